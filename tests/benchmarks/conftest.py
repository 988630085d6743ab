"""Benchmarks run in this process as they do on their own."""

import asyncio

import pytest


@pytest.fixture(autouse=True)
def loop_of_its_own():
    """Playwright leaves its loop open after the tests of browsers; the generator has another."""
    around = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(around)
