"""The dialog that shows the picture of a link."""

from urllib.parse import urlsplit

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from roost.client.tui.graphics import cell_size, fit, picture_widget
from roost.client.tui.screens.dialog import Box, Dialog

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")


class PictureDialog(Dialog[None]):
    """Loads and shows a picture, by the best means that the terminal has."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._shown: Widget | None = None
        self._pixels = (1, 1)

    def compose(self) -> ComposeResult:
        with Box("Picture"):
            yield Static(Text(self._url, no_wrap=True, overflow="ellipsis"), classes="hint")
            with Container(id="picture"):
                yield Static("Loading \u2026")
            yield Static("Escape closes this", classes="hint")

    def on_mount(self) -> None:
        self.run_worker(self._load(), exit_on_error=False)

    async def _load(self) -> None:
        # Imported only where there are pictures: it takes a while.
        from roost.client.pictures import PictureError, load

        place = self.query_one("#picture", Container)
        try:
            picture = await load(self._url)
        except PictureError as error:
            await place.remove_children()
            await place.mount(Static(Text(str(error))))
            return
        self._shown = picture_widget(self.app._driver, picture)  # noqa: SLF001
        self._pixels = picture.size
        # Before it is shown: each other size is sent to the terminal anew.
        self._fit()
        await place.remove_children()
        await place.mount(self._shown)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Give the picture as much room as its shape allows.

        The library would need to know its size before it is laid out.
        """
        if self._shown is None:
            return
        room = self.query_one("#picture", Container).size
        if room.width and room.height:
            cell = cell_size(self.app._driver)  # noqa: SLF001
            columns, rows = fit(self._pixels, (room.width, room.height), cell)
            self._shown.styles.width, self._shown.styles.height = columns, rows


def is_picture(url: str) -> bool:
    """Return whether a link seems to lead to a picture."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and parts.path.lower().endswith(ENDINGS)
