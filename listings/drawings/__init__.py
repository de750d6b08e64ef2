"""Drawings that stand in for photos: flat scenes as SVG, each following from its key alone."""


def photo_url(scene: str, key: str) -> str:
    """The address of a picture, as media rows hold it. `listings.photos` has the scenes."""
    return f"/photos/{scene}/{key}.svg"
