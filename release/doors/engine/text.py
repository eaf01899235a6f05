"""What Pulumi and its servers print, before it becomes an error, an event or a line on a screen."""


def plain(text: str, most: int) -> str:
    """One line of at most ``most`` characters that a terminal only shows: whatever it would act on is spelt out."""
    line = " ".join(text[: 4 * most].split())
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in line)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
