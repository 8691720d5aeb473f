"""The dialog that shows the picture of a link."""

from urllib.parse import urlsplit

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from roost.client.tui.graphics import picture_widget
from roost.client.tui.screens.dialog import Box, Dialog

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")


class PictureDialog(Dialog[None]):
    """Loads and shows a picture, by the best means that the terminal has."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

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
        shown = picture_widget(self.app._driver, picture)  # noqa: SLF001
        ratio = picture.width / max(picture.height, 1)
        # A cell is about twice as high as wide.
        is_wide = ratio * 2 >= place.size.width / max(place.size.height, 1)
        shown.styles.width = "100%" if is_wide else "auto"
        shown.styles.height = "auto" if is_wide else "100%"
        await place.remove_children()
        await place.mount(shown)


def is_picture(url: str) -> bool:
    """Return whether a link seems to lead to a picture."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and parts.path.lower().endswith(ENDINGS)
