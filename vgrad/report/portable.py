"""The same page on an output that knows nothing but ASCII."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

_INSTEAD = str.maketrans(
    {
        **dict(zip("▏▎▍▌▋▊▉", "   ####", strict=True)),
        **dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True)),
        **dict(zip("─━·×÷—–…⋮↓↑±←→", "-=*x/--~:v^~<>", strict=True)),
        **dict(zip("²³₁₂αβγδθλξσφχΔΣΦ∂√′‖", "2312abgdtlxsfXDSFdV'|", strict=True)),
        **dict(zip("ℓéö", "leo", strict=True)),
    }
)


@dataclass(frozen=True)
class Portable:
    """Shows `content`; each character that the output's encoding lacks gives way to one of
    ASCII, so that everything stays in its place."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        segments = console.render(self.content, options)
        if not options.ascii_only:
            yield from segments
            return
        for text, style, control in segments:
            yield Segment(to_ascii(text), style, control)


def to_ascii(text: str) -> str:
    """`text` in as many characters, all of them ASCII."""
    return text.translate(_INSTEAD).encode("ascii", "replace").decode("ascii")
