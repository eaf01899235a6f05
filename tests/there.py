"""Something that may be missing, and that a test is sure of."""

from typing import TypeVar

Value = TypeVar("Value")


def there(value: Value | None) -> Value:
    """The value, which is there."""
    assert value is not None
    return value
