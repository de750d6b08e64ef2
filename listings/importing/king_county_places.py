"""The 70 ZIP codes of the King County sales and the city that USPS prefers for each."""

from __future__ import annotations

_ZIP_CODES = {
    "Auburn": "98001 98002 98092",
    "Bellevue": "98004 98005 98006 98007 98008",
    "Black Diamond": "98010",
    "Bothell": "98011",
    "Carnation": "98014",
    "Duvall": "98019",
    "Enumclaw": "98022",
    "Fall City": "98024",
    "Federal Way": "98003 98023",
    "Issaquah": "98027 98029",
    "Kenmore": "98028",
    "Kent": "98030 98031 98032 98042",
    "Kirkland": "98033 98034",
    "Maple Valley": "98038",
    "Medina": "98039",
    "Mercer Island": "98040",
    "North Bend": "98045",
    "Redmond": "98052 98053",
    "Renton": "98055 98056 98058 98059",
    "Sammamish": "98074 98075",
    "Seattle": (
        "98102 98103 98105 98106 98107 98108 98109 98112 98115 98116 98117 98118 98119 98122 98125 "
        "98126 98133 98136 98144 98146 98148 98155 98166 98168 98177 98178 98188 98198 98199"
    ),
    "Snoqualmie": "98065",
    "Vashon": "98070",
    "Woodinville": "98072 98077",
}

CITY_BY_ZIP_CODE = {code: city for city, codes in _ZIP_CODES.items() for code in codes.split()}
