"""Clients of the embedded workbook whose root URL is in WORKBOOK_ROOT_URL (http://127.0.0.1:PORT/)."""

import os
import uuid
from urllib.parse import urlsplit, urlunsplit

import gspread
import pytest
import requests
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from googleapiclient.discovery import build

SPREADSHEET_ID = "llmproxy"


@pytest.fixture(scope="session")
def root_url():
    url = os.environ.get("WORKBOOK_ROOT_URL")
    if not url:
        pytest.skip("WORKBOOK_ROOT_URL is not set")
    return url


@pytest.fixture(scope="session")
def google(root_url):
    """Google's own Python client."""
    service = build(
        "sheets",
        "v4",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=root_url),
    )
    return service.spreadsheets()


@pytest.fixture(scope="session")
def gspread_client(root_url):
    """gspread, with all requests to the embedded workbook instead of Google."""

    class LocalClient(gspread.HTTPClient):
        def request(self, method, endpoint, **options):
            local = urlsplit(root_url)
            address = urlsplit(endpoint)._replace(
                scheme=local.scheme, netloc=local.netloc
            )
            return super().request(method, urlunsplit(address), **options)

    return gspread.Client(
        auth=AnonymousCredentials(),
        session=requests.Session(),
        http_client=LocalClient,
    )


@pytest.fixture
def worksheet(gspread_client):
    """A new worksheet of 20 rows and 6 columns, deleted afterwards."""
    spreadsheet = gspread_client.open_by_key(SPREADSHEET_ID)
    created = spreadsheet.add_worksheet(f"it's {uuid.uuid4().hex[:8]}", 20, 6)
    yield created
    spreadsheet.del_worksheet(created)
