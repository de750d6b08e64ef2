"""Every page of the site: whoever imports this has them all in `pages.PAGES`."""

from listings import browsing, views
from listings.api import pages as api
from listings.pages import PAGES

__all__ = ["PAGES", "api", "browsing", "views"]
