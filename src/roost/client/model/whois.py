"""Put the answer to WHOIS or WHOWAS into words.

Source: modern.ircdocs.horse, "RPL_WHOISUSER" and the numerics after it.
"""

from roost.client.model.incoming import Incoming
from roost.client.model.state import State
from roost.client.model.text import clean_name, clean_text

LINES_MAX = 40
"""Of one answer: a server may send any number."""
BEGIN = frozenset({"311", "314"})
END = frozenset({"318", "369"})
NUMERICS = (
    BEGIN
    | END
    | frozenset(
        [
            "276",
            "301",
            "307",
            "312",
            "313",
            "317",
            "319",
            "320",
            "330",
            "335",
            "338",
            "378",
            "379",
            "671",
        ]
    )
)


def receive(state: State, line: Incoming) -> bool:
    """Collect a numeric of the answer, and show the whole at its end.

    Return whether that is all that it is about.
    """
    answer = state.registration.whois
    if line.command in END:
        if answer:
            conversation = state.conversations.get(state.active, state.server)
            state.inform(conversation, "\n".join(answer))
        answer.clear()
        return True
    if not answer and line.command not in BEGIN:
        return False
    words = _words(state, line)
    if words and len(answer) < LINES_MAX:
        answer.append(words)
    return line.command != "301"


def _words(state: State, line: Incoming) -> str:
    nick, last = clean_name(line.word(1)), clean_text(line.last)
    third, fourth = clean_text(line.word(2)), clean_text(line.word(3))
    match line.command:
        case "311" | "314":
            was = " was here" if line.command == "314" else ""
            real = f", {last}" if last and last != nick else ""
            return f"{nick}{was}: {third}@{fourth}{real}"
        case "312":
            return f"Server: {third}" + (f" ({last})" if last else "")
        case "317":
            return f"Idle for {_duration(third)}{_since(state, fourth)}"
        case "319":
            return f"Rooms: {', '.join(last.split())}"
        case "330":
            return f"Account: {third}"
        case "338":
            shown = [clean_text(word) for word in line.parameters[2:-1]]
            return f"Address: {' '.join(shown) or last}"
        case "301":
            return f"Away: {last}"
        case "313":
            return "A network operator"
        case "335":
            return "A bot"
        case "671":
            return "Connected over TLS"
        case "276":
            return f"Certificate: {last.removeprefix('has client certificate fingerprint ')}"
        case "379" | "378":
            # Free text, such as "is using modes +iw": the sentence goes on after the name.
            words = [clean_text(word) for word in line.parameters[2:]]
            return " ".join([*words[1:], words[0]] if len(words) > 1 else words).capitalize()
    return last.capitalize() if last else ""


def _duration(seconds: str) -> str:
    if not (seconds.isascii() and seconds.isdigit()):
        return "an unknown time"
    left = int(seconds[:12])
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if left >= size:
            number = left // size
            return f"{number} {unit}{'s' * (number != 1)}"
    return f"{left} second{'s' * (left != 1)}"


def _since(state: State, signon: str) -> str:
    if not (signon.isascii() and signon.isdigit()):
        return ""
    passed = max(state.moment.time_ms // 1000 - int(signon[:12]), 0)
    return f", connected for {_duration(str(passed))}"
