"""Drives a running embedded workbook with gspread and Google's Python client.

Run: WORKBOOK_ROOT_URL=http://127.0.0.1:PORT/ pytest sdk-tests/workbook
"""

import gzip
import json

import gspread
import pytest
import requests
from googleapiclient.errors import HttpError

from conftest import SPREADSHEET_ID
from discovery import problems

KEYS = [
    ["Email", "API Key", "Active", "Tokens"],
    ["b@example.com", "sk-b", True, 12],
    ["a@example.com", "sk-a", False, 7.5],
]


def add_sheet(google, title, **properties):
    request = {"addSheet": {"properties": {"title": title, **properties}}}
    answer = google.batchUpdate(
        spreadsheetId=SPREADSHEET_ID, body={"requests": [request]}
    ).execute()
    return answer["replies"][0]["addSheet"]["properties"]["sheetId"]


class TestGspread:
    def test_reads_records_by_header(self, worksheet):
        worksheet.update(KEYS, "A1", value_input_option="RAW")
        records = worksheet.get_all_records(
            value_render_option=gspread.utils.ValueRenderOption.unformatted
        )
        assert records[0] == dict(zip(KEYS[0], KEYS[1]))
        assert records[1]["Active"] is False

    def test_shows_formatted_values_by_default(self, worksheet):
        worksheet.update(KEYS, "A1")
        assert worksheet.row_values(3) == ["a@example.com", "sk-a", "FALSE", "7.5"]
        assert worksheet.col_values(1) == [row[0] for row in KEYS]
        assert worksheet.acell("B2").value == "sk-b"
        assert worksheet.find("sk-a").address == "B3"

    def test_appends_rows_and_grows(self, worksheet):
        worksheet.update(KEYS, "A1")
        answer = worksheet.append_rows(
            [["c@example.com", "sk-c", True, n] for n in range(30)],
            value_input_option="RAW",
        )
        assert answer["updates"]["updatedRows"] == 30
        assert len(worksheet.get_all_values()) == 33
        assert worksheet.spreadsheet.worksheet(worksheet.title).row_count == 33

    def test_stores_raw_formulas_as_text(self, worksheet):
        worksheet.update([["=1+1"]], "A1", raw=True)
        assert worksheet.acell("A1").value == "=1+1"

    def test_sorts_inserts_and_deletes_rows(self, worksheet):
        worksheet.update(KEYS, "A1")
        worksheet.sort((1, "asc"), range="A2:D3")
        assert worksheet.col_values(1)[1:] == ["a@example.com", "b@example.com"]
        worksheet.insert_row(["0@example.com"], 2)
        assert worksheet.col_values(1)[1] == "0@example.com"
        worksheet.delete_rows(2)
        assert worksheet.col_values(1)[1] == "a@example.com"

    def test_batches_and_clears(self, worksheet):
        worksheet.batch_update(
            [
                {"range": "A1:B1", "values": [["x", "y"]]},
                {"range": "A3", "values": [["z"]]},
            ]
        )
        assert worksheet.batch_get(["A1:B1", "A3:B3"]) == [[["x", "y"]], [["z"]]]
        worksheet.batch_clear(["A1", "A3"])
        assert worksheet.get_all_values() == [["", "y"]]
        worksheet.clear()
        assert worksheet.get_all_values() == [[]]

    def test_changes_properties(self, worksheet):
        worksheet.resize(rows=5, cols=3)
        worksheet.freeze(rows=1)
        worksheet.hide()
        again = worksheet.spreadsheet.get_worksheet_by_id(worksheet.id)
        assert (again.row_count, again.col_count, again.frozen_row_count) == (5, 3, 1)
        assert again.isSheetHidden

    def test_errors_have_googles_format(self, worksheet):
        with pytest.raises(gspread.exceptions.APIError) as refusal:
            worksheet.update([["x"]], "A21")
        assert refusal.value.code == 400
        assert "exceeds grid limits. Max rows: 20, max columns: 6" in str(refusal.value)
        with pytest.raises(gspread.exceptions.WorksheetNotFound):
            worksheet.spreadsheet.worksheet("no such sheet")


class TestGoogleClient:
    def test_answers_match_the_discovery_document(self, google, worksheet):
        values = google.values()
        title = "'" + worksheet.title.replace("'", "''") + "'"
        here = {"spreadsheetId": SPREADSHEET_ID}
        write = {**here, "valueInputOption": "USER_ENTERED", "body": {"values": KEYS}}
        batch = {
            "valueInputOption": "RAW",
            "includeValuesInResponse": True,
            "data": [{"range": f"{title}!A1", "values": KEYS}],
        }
        requests_ = [
            {"addSheet": {"properties": {"title": "temporary", "hidden": True}}},
            {
                "appendCells": {
                    "sheetId": worksheet.id,
                    "rows": [
                        {
                            "values": [
                                {"userEnteredValue": {"stringValue": "x"}, "note": "n"}
                            ]
                        }
                    ],
                    "fields": "*",
                }
            },
        ]
        update = {
            "requests": requests_,
            "includeSpreadsheetInResponse": True,
            "responseIncludeGridData": True,
        }
        calls = [
            (values.update(range=f"{title}!A1", includeValuesInResponse=True, **write), "UpdateValuesResponse"),
            (values.append(range=title, **write), "AppendValuesResponse"),
            (values.batchUpdate(body=batch, **here), "BatchUpdateValuesResponse"),
            (values.get(range=f"{title}!A:B", majorDimension="COLUMNS", **here), "ValueRange"),
            (values.batchGet(ranges=[f"{title}!A1:B", title], **here), "BatchGetValuesResponse"),
            (values.clear(range=f"{title}!A1", body={}, **here), "ClearValuesResponse"),
            (values.batchClear(body={"ranges": [f"{title}!B1"]}, **here), "BatchClearValuesResponse"),
            (google.batchUpdate(body=update, **here), "BatchUpdateSpreadsheetResponse"),
            (google.get(includeGridData=True, **here), "Spreadsheet"),
            (google.get(fields="sheets(properties(title),data/rowData/values/formattedValue)", **here), "Spreadsheet"),
            (google.create(body={"properties": {"title": "new"}}), "Spreadsheet"),
        ]  # fmt: skip
        for call, schema in calls:
            answer = call.execute()
            assert answer, schema
            assert problems(answer, schema) == []
        self._delete(google, "temporary")

    def test_a_batch_is_all_or_nothing(self, google, worksheet):
        here = {"sheetId": worksheet.id}
        rows = [{"values": [{"userEnteredValue": {"numberValue": 1}}]}]
        good = {"appendCells": {**here, "rows": rows, "fields": "userEnteredValue"}}
        bad = {"deleteSheet": {"sheetId": 999_999_999}}
        with pytest.raises(HttpError) as refusal:
            google.batchUpdate(
                spreadsheetId=SPREADSHEET_ID, body={"requests": [good, bad]}
            ).execute()
        error = json.loads(refusal.value.content)["error"]
        assert error == {
            "code": 400,
            "message": "Invalid requests[1].deleteSheet: No sheet with id: 999999999",
            "status": "INVALID_ARGUMENT",
        }
        assert worksheet.get_all_values() == [[]]

    def test_reads_more_ranges_than_fit_into_a_url(self, google, worksheet):
        worksheet.update([["x"]], "A1")
        title = "'" + worksheet.title.replace("'", "''") + "'"
        answer = (
            google.values()
            .batchGet(spreadsheetId=SPREADSHEET_ID, ranges=[f"{title}!A1"] * 300)
            .execute()
        )
        assert [r["values"] for r in answer["valueRanges"]] == [[["x"]]] * 300

    @pytest.mark.parametrize("title", ["a/b", "50% +x", "ü:ö", "A1", "x!y", "=1"])
    def test_finds_sheets_of_any_title(self, google, title):
        sheet_id = add_sheet(google, title)
        try:
            answer = google.values().update(
                spreadsheetId=SPREADSHEET_ID,
                range=f"'{title}'!B2",
                valueInputOption="RAW",
                body={"values": [["here"]]},
            )
            assert answer.execute()["updatedRange"] == f"'{title}'!B2"
            read = google.values().get(
                spreadsheetId=SPREADSHEET_ID, range=f"'{title}'!B2"
            )
            assert read.execute()["values"] == [["here"]]
        finally:
            google.batchUpdate(
                spreadsheetId=SPREADSHEET_ID,
                body={"requests": [{"deleteSheet": {"sheetId": sheet_id}}]},
            ).execute()

    @staticmethod
    def _delete(google, title):
        sheets = google.get(spreadsheetId=SPREADSHEET_ID).execute()["sheets"]
        ids = [
            s["properties"]["sheetId"]
            for s in sheets
            if s["properties"]["title"] == title
        ]
        google.batchUpdate(
            spreadsheetId=SPREADSHEET_ID,
            body={"requests": [{"deleteSheet": {"sheetId": i}} for i in ids]},
        ).execute()


class TestHttp:
    def test_accepts_gzip_and_keeps_the_connection_open(self, root_url, worksheet):
        url = f"{root_url}v4/spreadsheets/{SPREADSHEET_ID}:batchUpdate"
        rename = {"sheetId": worksheet.id, "title": worksheet.title + " renamed"}
        body = {
            "requests": [
                {"updateSheetProperties": {"properties": rename, "fields": "title"}}
            ]
        }
        with requests.Session() as session:
            for _ in range(3):
                answer = session.post(
                    url,
                    data=gzip.compress(json.dumps(body).encode()),
                    headers={
                        "Content-Encoding": "gzip",
                        "Content-Type": "application/json",
                    },
                )
                assert answer.status_code == 200
                assert answer.headers.get("Connection", "keep-alive") != "close"

    @pytest.mark.parametrize(
        "headers",
        [{"Host": "rebound.example"}, {"Origin": "http://page.example"}],
    )
    def test_requests_of_web_pages_are_rejected(self, root_url, headers):
        url = f"{root_url}v4/spreadsheets/{SPREADSHEET_ID}/values/A1:clear"
        answer = requests.post(url, json={}, headers=headers)
        assert answer.status_code == 403

    def test_bodies_that_are_not_json_are_rejected(self, root_url):
        url = f"{root_url}v4/spreadsheets/{SPREADSHEET_ID}:batchUpdate"
        json_type = {"Content-Type": "application/json"}
        assert requests.post(url, data="{", headers=json_type).status_code == 400
        assert requests.post(url, data="a=b").status_code == 400
