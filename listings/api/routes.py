"""The API's addresses and its OpenAPI document. Each answer is one of the cached pages."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Query, Schema
from pydantic import ConfigDict, create_model

from listings.api.pages import api_properties, api_property, problem
from listings.api.resources import Problem, Properties, Property, Resource
from listings.search import InvalidSearch
from listings.sort import Sort
from listings.vocabulary import PUBLIC, PropertySubType, PropertyType

api = NinjaAPI(
    title="Listings",
    version="1",
    description=(
        "Homes for sale and for rent, under the names of the RESO Data Dictionary 2.0. Answers "
        "are never stale: send `If-None-Match` with the `ETag` of the last one to hear whether "
        "anything has changed."
    ),
    docs_url=None,  # a page of scripts that nobody needs to read the document
    urls_namespace="api",
)


def _one_of(values: list[str]) -> dict[str, Any]:
    return {"enum": values}


class Parameters(Schema):
    """What a search asks for. Unknown parameters are ignored; what is not allowed is a 400."""

    model_config = ConfigDict(extra="ignore")

    city: str | None = Field(None, description="City, in any spelling")
    state_or_province: str | None = Field(None, description="State or province, as `WA`")
    postal_code: str | None = Field(None, description="PostalCode")
    property_type: str | None = Field(None, json_schema_extra=_one_of(PropertyType.values))
    property_sub_type: str | None = Field(None, json_schema_extra=_one_of(PropertySubType.values))
    standard_status: str | None = Field(
        None,
        description="Without it: whatever is on the market",
        json_schema_extra=_one_of([str(status) for status in PUBLIC]),
    )
    list_price_min: str | None = Field(None, description="ListPrice at the least, in dollars")
    list_price_max: str | None = Field(None, description="ListPrice at the most, in dollars")
    bedrooms_min: str | None = Field(None, description="BedroomsTotal at the least")
    bathrooms_min: str | None = Field(None, description="BathroomsTotalInteger at the least")
    living_area_min: str | None = Field(None, description="LivingArea at the least, square feet")
    living_area_max: str | None = Field(None, description="LivingArea at the most, square feet")
    year_built_min: str | None = Field(None, description="YearBuilt at the least")
    q: str | None = Field(None, description="Words in the address, the city or the remarks")
    sort: str | None = Field(
        None, description="The listing key breaks ties", json_schema_extra=_one_of(list(Sort))
    )
    after: str | None = Field(None, description="Where to go on: comes with `@odata.nextLink`")


class _Documented(Schema):
    model_config = ConfigDict(extra="forbid")


def documented(kind: type[Resource]) -> type[Schema]:
    """A resource as the OpenAPI document describes it: the same fields and types."""
    fields: dict[str, Any] = {
        field.encode_name: (_documented(field.type), ... if field.required else None)
        for field in msgspec.structs.fields(kind)
    }
    return create_model(kind.__name__, __base__=_Documented, __doc__=kind.__doc__, **fields)


def _documented(kind: Any) -> Any:
    """A field's type as it is in JSON."""
    if isinstance(kind, UnionType):  # of one type and none
        one, _ = get_args(kind)
        return _documented(one) | None
    if get_origin(kind) is tuple:
        return list[_documented(get_args(kind)[0])]  # type: ignore[misc]
    if kind is Decimal:
        return float
    return documented(kind) if issubclass(kind, Resource) else kind


_BAD_REQUEST = {400: documented(Problem)}
_MISSING = {404: documented(Problem), 410: documented(Problem)}


def list_properties(request: HttpRequest, parameters: Query[Parameters]) -> HttpResponse:
    """Listings of a search in its order, 50 at a time. `@odata.nextLink` leads to the next ones;
    rows that come or go meanwhile shift nothing.
    """
    return api_properties(request)  # which reads the parameters by itself, like every search


def show_property(request: HttpRequest, listing_key: str) -> HttpResponse:
    """One listing with all that its page shows. 404: it was never public. 410: it once was."""
    return api_property(request, listing_key=listing_key)


@api.exception_handler(InvalidSearch)
def bad_request(request: HttpRequest, error: InvalidSearch) -> HttpResponse:
    """400: says which parameter is wrong, and what is allowed."""
    page = problem(HTTPStatus.BAD_REQUEST, error.errors)
    response = HttpResponse(page.body, status=page.status, content_type=page.content_type)
    response["Cache-Control"] = "no-store"
    return response


def _route(
    path: str, name: str, view: Callable[..., HttpResponse], answers: dict[int, Any]
) -> None:
    api.get(path, url_name=name, operation_id=name, summary=name, response=answers)(view)
    api.api_operation(["HEAD"], path, include_in_schema=False)(view)


_route(
    "/properties",
    "properties",
    list_properties,
    {200: documented(Properties), **_BAD_REQUEST},
)
_route(
    "/properties/{key:listing_key}",
    "property",
    show_property,
    {200: documented(Property), **_MISSING},
)
