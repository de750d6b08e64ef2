"""Drawn photos: valid, small, the same every time, kept by browsers for ever."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from django.http import Http404
from django.test import RequestFactory
from django.urls import reverse

from listings.drawings import photo_url
from listings.photos import SCENES, draw, photo

KEYS = [f"S7-{number:07d}-m{number % 8}" for number in range(60)]


@pytest.mark.parametrize("scene", SCENES)
def test_a_drawing_is_small_valid_svg_with_a_title(scene):
    for key in KEYS:
        text = draw(scene, key)
        assert len(text.encode()) < 4_000
        root = ET.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root[0].text
        assert len(root) > 5


@pytest.mark.parametrize("scene", SCENES)
def test_different_keys_look_different(scene):
    assert len({draw(scene, key) for key in KEYS}) > 10


def test_another_process_draws_the_same():
    code = (
        "import django; django.setup(); from listings.photos import draw; print(draw('house', 'a'))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == draw("house", "a")


def test_browsers_keep_a_photo_for_ever():
    response = photo(RequestFactory().get("/"), "kitchen", "S7-1-m1")
    assert response.status_code == 200
    assert response["Content-Type"] == "image/svg+xml"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.content.decode() == draw("kitchen", "S7-1-m1")


@pytest.mark.parametrize(
    ("scene", "key"),
    [("dungeon", "a"), ("house", "a" * 256), ("house", "-a"), ("house", "a<b"), ("house", "a\n")],
)
def test_what_cannot_be_a_photo_is_not_found(scene, key):
    with pytest.raises(Http404):
        photo(RequestFactory().get("/"), scene, key)


def test_a_photo_cannot_be_posted_to():
    assert photo(RequestFactory().post("/"), "house", "a").status_code == 405


def test_the_address_in_media_rows_is_that_of_the_view(client):
    url = photo_url("living-room", "S7-0000001-m1.b_c")
    assert url == reverse("photo", args=["living-room", "S7-0000001-m1.b_c"])
    response = client.get(url)
    assert response["Content-Type"] == "image/svg+xml"
