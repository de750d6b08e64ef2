"""Names of streets, places, people and firms. All people and firms are made up."""

from __future__ import annotations

STREETS = tuple(
    "Alder Amber Arbor Aspen Autumn Bayview Beacon Beech Belmont Birch Bluebird Briar Broadway "
    "Brook Calhoun Camden Canyon Cardinal Cedar Chapel Cherry Chestnut Clearwater Clinton Clover "
    "Coral Cypress Dogwood Dover Eagle Elm Evergreen Fairview Fern Foothill Forest Franklin Garden "
    "Glen Grand Grant Greenwood Grove Hampton Harbor Hawthorne Hazel Heron Hickory Highland Hill "
    "Holly Jackson Jefferson Juniper Kingston Lafayette Lake Larch Laurel Lincoln Linden Locust "
    "Madison Magnolia Main Maple Market Meadow Mesa Mill Monroe Mulberry Myrtle Oak Olive Orchard "
    "Palm Park Pearl Pecan Pine Pleasant Plum Poplar Prairie Prospect Quail Redwood Ridge River "
    "Rose Sage Sequoia Spring Spruce Summit Sunset Sycamore Tamarack Union Valley Vine Vista "
    "Walnut Washington Willow Winter Woodland".split()
)
STREET_SUFFIXES = tuple("St St St Ave Ave Ave Dr Dr Rd Ln Ln Ct Pl Blvd Way Ter Cir".split())
DIRECTIONS = tuple("N S E W NE NW SE SW".split())

ESTATE_FIRST = tuple(
    "Amber Ashton Autumn Bay Bishop Bridle Canyon Cedar Copper Coyote Deer Eagle Falcon Fox "
    "Hidden Heritage Heron Hunter's Indian Ivy Lake Lone Maple Meadow Mission Oak Old Orchard "
    "Painted Pebble Pine Quail Rancho River Saddle Silver Stone Summer Sunset Timber Walnut "
    "Whisper Wild Windsor".split()
)
ESTATE_LAST = tuple(
    "Bend Bluff Commons Cove Creek Crossing Estates Farms Field Gardens Glen Grove Heights Hills "
    "Hollow Knoll Lakes Landing Manor Mill Oaks Park Place Plantation Point Ranch Ridge Run "
    "Springs Square Station Terrace Trace Trails Valley Village Vista Woods".split()
)

# RESO View values
VIEWS = (
    *("Mountain(s)", "City", "City Lights", "Lake", "Water", "River", "Golf Course", "Hills"),
    *("Park/Greenbelt", "Trees/Woods", "Valley", "Pond", "Skyline", "Territorial"),
    *("Mountain(s),Valley", "City Lights,Water", "Park/Greenbelt,Pond"),
)
# RESO Heating, Cooling and Appliances values
HEATING = (
    *("Forced Air,Natural Gas", "Forced Air,Natural Gas", "Central,Electric", "Heat Pump"),
    *("Baseboard,Electric", "Radiant Floor,Hot Water", "Ductless", "Steam", "Propane"),
)
COOLING = (
    *("Central Air", "Central Air", "Central Air,Ceiling Fan(s)", "Heat Pump", "Ductless"),
    *("Window Unit(s)", "Evaporative Cooling", "None"),
)
APPLIANCES = (
    "Dishwasher,Disposal,Range,Refrigerator",
    "Dishwasher,Disposal,Microwave,Range,Refrigerator,Washer/Dryer",
    "Built-In Gas Range,Dishwasher,Double Oven,Range Hood,Refrigerator,Wine Refrigerator",
    "Dishwasher,Electric Range,Microwave,Refrigerator",
    "Gas Range,Refrigerator,Water Heater",
    "Built-In Electric Oven,Dishwasher,Induction Cooktop,Microwave,Refrigerator,Washer,Dryer",
)

FIRST_NAMES = tuple(
    "Aisha Alan Alejandra Amara Andrew Angela Anthony Beatriz Benjamin Brenda Brian Camila Carlos "
    "Carol Charlotte Chen Chidi Claire Daniel David Deborah Diego Dmitri Elena Elizabeth Emeka "
    "Emma Eric Fatima Francisco Gabriela George Grace Hannah Hassan Helen Hiroshi Ines Isabel "
    "James Jasmine Jennifer John Jorge Joseph Julia Karen Kavya Kevin Laura Leila Linda Lucas Luis "
    "Maria Mark Mary Mei Michael Miguel Mohammed Monica Nadia Nancy Nathan Nina Noah Olga Oliver "
    "Olivia Omar Pablo Patricia Paul Priya Rachel Rahul Rebecca Robert Rosa Ryan Samantha Samuel "
    "Sandra Sarah Sofia Stephen Susan Thomas Tyler Valentina Victor Wei William Yuki Zoe".split()
)
LAST_NAMES = tuple(
    "Adams Allen Alvarez Anderson Bailey Baker Bennett Brooks Brown Campbell Carter Castillo Chen "
    "Clark Collins Cooper Cruz Davis Diaz Edwards Evans Fisher Flores Foster Garcia Gomez Gonzalez "
    "Gray Green Gupta Hall Harris Hernandez Hill Howard Hughes Ibrahim Jackson James Jenkins "
    "Johnson Jones Kaplan Kelly Khan Kim King Kowalski Lee Lewis Lopez Martin Martinez Miller "
    "Mitchell Moore Morgan Morris Murphy Murray Myers Nakamura Nelson Nguyen Novak O'Brien Okafor "
    "Ortiz Parker Patel Perez Perry Peterson Phillips Powell Price Ramirez Reed Reyes Richardson "
    "Rivera Roberts Robinson Rodriguez Rogers Romero Ross Russell Sanchez Sanders Santos Schmidt "
    "Scott Singh Smith Stewart Sullivan Tanaka Taylor Thomas Thompson Torres Tran Turner Walker "
    "Ward Watson White Williams Wilson Wood Wright Yang Young".split()
)
FIRM_NAMES = tuple(
    "Anchor|Ascend|Blue Door|Bluestone|Bridgeway|Cardinal|Cedar & Stone|Compass Rose|Cornerstone|"
    "Evergreen|Fairhaven|First Light|Four Corners|Golden Key|Granite|Great Oak|Harbor|Hearth|"
    "Heritage|Highland|Homestead|Juniper|Keystone|Lantern|Liberty|Lighthouse|Maple Leaf|Meridian|"
    "Milestone|New Leaf|Northstar|Pacific Crest|Parkside|Pinnacle|Red Brick|Ridgeline|Riverbend|"
    "Silver Birch|Skyline|Stonegate|Sunrise|Tall Pines|Threshold|Timberline|Town & Country|"
    "True North|Village|Welcome Home|Windward|Wren".split("|")
)
FIRM_SUFFIXES = (
    *("Realty", "Realty Group", "Properties", "Real Estate", "Homes", "Brokerage"),
    *("& Partners", "Residential", "Estates", "Property Group"),
)
