"""Operations of administrators' scripts other than reading and writing values, with gspread and Google's client.

Run: WORKBOOK_ROOT_URL=http://127.0.0.1:PORT/ pytest sdk-tests/workbook
"""

import re
import subprocess
import sys
from pathlib import Path

import gspread
import pytest
from googleapiclient.errors import HttpError
from gspread.utils import PasteType, ValidationConditionType

from conftest import SPREADSHEET_ID
from discovery import problems

DOCUMENTATION = Path(__file__).parents[2] / "docs/workbook.md"
BOLD = {"textFormat": {"bold": True}}


class TestGspread:
    @pytest.fixture(autouse=True)
    def cells(self, worksheet):
        worksheet.update([["name", "tier"], ["a", "free"], ["b", "pro"]], "A1")

    def test_formats_move_with_their_cells(self, worksheet, google):
        worksheet.format("A1:B1", BOLD)
        worksheet.batch_format(
            [{"range": "B2:B9", "format": {"numberFormat": {"type": "NUMBER"}}}]
        )
        worksheet.insert_row(["new"], 1)
        header = shown(google, worksheet, "A2")
        assert header["userEnteredFormat"] == BOLD
        assert header["formattedValue"] == "name"
        assert "userEnteredFormat" in shown(google, worksheet, "B10")

    def test_notes(self, worksheet):
        worksheet.insert_note("A2", "the first")
        worksheet.insert_notes({"B2": "x", "B3": "y"})
        assert worksheet.get_note("A2") == "the first"
        assert worksheet.get_notes()[1:] == [["the first", "x"], ["", "y"]]
        worksheet.clear_note("A2")
        assert worksheet.get_note("A2") == ""

    def test_rows_and_columns(self, worksheet):
        worksheet.insert_cols([["id", 1, 2]], 1)
        worksheet.insert_rows([["x", "y", "z"]], 2)
        assert worksheet.row_values(2) == ["x", "y", "z"]
        worksheet.delete_columns(1)
        worksheet.delete_rows(2)
        assert worksheet.get_all_values()[1] == ["a", "free"]
        worksheet.add_rows(5)
        worksheet.add_cols(1)
        again = worksheet.spreadsheet.get_worksheet_by_id(worksheet.id)
        assert (again.row_count, again.col_count) == (25, 7)

    def test_hides_rows_and_widens_columns(self, worksheet, google):
        worksheet.hide_rows(1, 3)
        worksheet.columns_auto_resize(0, 2)
        worksheet.hide_columns(3, 4)
        data = grid_data(google, worksheet, "A1:F20")
        assert [row.get("hiddenByUser", False) for row in data["rowMetadata"][:4]] == [False, True, True, False]  # fmt: skip
        assert data["columnMetadata"][0]["pixelSize"] < 100
        assert data["columnMetadata"][3]["hiddenByUser"]
        worksheet.unhide_rows(1, 3)
        data = grid_data(google, worksheet, "A1:F20")
        assert not any("hiddenByUser" in row for row in data["rowMetadata"])

    def test_copies_cuts_and_finds_cells(self, worksheet):
        worksheet.copy_range("A1:B1", "D1:E1")
        worksheet.cut_range("A3:B3", "A10", paste_type=PasteType.normal)
        assert worksheet.get("D1:E1") == [["name", "tier"]]
        assert worksheet.get("A3:B3") == [[]]
        assert worksheet.get("A10:B10") == [["b", "pro"]]
        assert [cell.address for cell in worksheet.findall(re.compile("^(free|pro)$"))] == ["B2", "B10"]  # fmt: skip
        cells = worksheet.range("A1:A2")
        for cell in cells:
            cell.value = cell.value.upper()
        worksheet.update_cells(cells)
        assert worksheet.col_values(1)[:2] == ["NAME", "A"]

    def test_filters_named_ranges_and_protection(self, worksheet):
        spreadsheet = worksheet.spreadsheet
        worksheet.set_basic_filter()
        worksheet.set_basic_filter("A1:B3")
        worksheet.clear_basic_filter()
        named = worksheet.define_named_range("A1:B2", "tiers")
        named_id = named["replies"][0]["addNamedRange"]["namedRange"]["namedRangeId"]
        assert [r["name"] for r in spreadsheet.list_named_ranges()] == ["tiers"]
        assert [c.value for c in spreadsheet.named_range("tiers")] == ["name", "tier", "a", "free"]  # fmt: skip
        worksheet.delete_named_range(named_id)
        assert spreadsheet.list_named_ranges() == []
        worksheet.add_protected_range("A1:B1", ["admin@example.com"])
        [protected] = spreadsheet.list_protected_ranges(worksheet.id)
        worksheet.delete_protected_range(protected["protectedRangeId"])
        assert spreadsheet.list_protected_ranges(worksheet.id) == []

    def test_validation(self, worksheet, google):
        worksheet.add_validation(
            "B2:B9",
            ValidationConditionType.one_of_list,
            ["free", "pro"],
            showCustomUi=True,
        )
        rule = shown(google, worksheet, "B9")["dataValidation"]
        assert [v["userEnteredValue"] for v in rule["condition"]["values"]] == ["free", "pro"]  # fmt: skip

    def test_worksheets(self, worksheet):
        spreadsheet = worksheet.spreadsheet
        copy = worksheet.duplicate(new_sheet_name="duplicate")
        try:
            assert copy.get_all_values() == worksheet.get_all_values()
            copy.update_title("renamed")
            copy.update_tab_color("#ff0000")
            copy.hide()
            copy.show()
            spreadsheet.reorder_worksheets([copy])
            assert spreadsheet.get_worksheet(0).title == "renamed"
            assert spreadsheet.get_worksheet(0).get_tab_color() == "#FF0000"
        finally:
            spreadsheet.del_worksheet(copy)
        spreadsheet.update_title("renamed too")
        assert spreadsheet.fetch_sheet_metadata()["properties"]["title"] == "renamed too"  # fmt: skip
        spreadsheet.update_title(SPREADSHEET_ID)

    def test_copies_to_another_spreadsheet(self, worksheet, google, gspread_client):
        other = google.create(body={}).execute()["spreadsheetId"]
        copied = worksheet.copy_to(other)
        assert problems(copied, "SheetProperties") == []
        copy = gspread_client.open_by_key(other).worksheet(copied["title"])
        assert copy.get_all_values() == worksheet.get_all_values()

    @pytest.mark.parametrize(
        "call",
        [
            lambda sheet: sheet.merge_cells("A1:B1"),
            lambda sheet: sheet.add_dimension_group_rows(1, 2),
        ],
    )
    def test_unsupported_call_is_reported(self, worksheet, call):
        with pytest.raises(gspread.exceptions.APIError, match="does not support") as e:
            call(worksheet)
        assert e.value.code == 400


class TestGoogleClient:
    @pytest.fixture
    def here(self, worksheet):
        worksheet.update([["a", "b"], ["c", "d"]], "A1")
        return {"sheetId": worksheet.id}

    def test_answers_to_data_filters_match_the_discovery_document(self, google, here):
        corner = {"gridRange": {**here, "endRowIndex": 1, "endColumnIndex": 1}}
        values, book = google.values(), {"spreadsheetId": SPREADSHEET_ID}
        filters = {"dataFilters": [corner]}
        update = {
            "valueInputOption": "RAW",
            "includeValuesInResponse": True,
            "data": [{"dataFilter": corner, "values": [["x"]]}],
        }
        calls = [
            (values.batchUpdateByDataFilter(body=update, **book), "BatchUpdateValuesByDataFilterResponse"),
            (values.batchGetByDataFilter(body=filters, **book), "BatchGetValuesByDataFilterResponse"),
            (google.getByDataFilter(body={**filters, "includeGridData": True}, **book), "Spreadsheet"),
            (values.batchClearByDataFilter(body=filters, **book), "BatchClearValuesByDataFilterResponse"),
        ]  # fmt: skip
        answers = []
        for call, schema in calls:
            answers.append(call.execute())
            assert problems(answers[-1], schema) == []
        [read] = answers[1]["valueRanges"]
        assert read["valueRange"]["values"] == [["x"]]
        assert read["dataFilters"] == [corner]
        assert len(answers[2]["sheets"]) == 1

    def test_answers_to_all_requests_match_the_discovery_document(self, google, here):  # fmt: skip
        cell = {**here, "endRowIndex": 1, "endColumnIndex": 1}
        rows = {**here, "dimension": "ROWS", "startIndex": 0, "endIndex": 1}
        kinds = [
            {"moveDimension": {"source": rows, "destinationIndex": 2}},
            {"insertRange": {"range": cell, "shiftDimension": "ROWS"}},
            {"deleteRange": {"range": cell, "shiftDimension": "ROWS"}},
            {"copyPaste": {"source": cell, "destination": {**cell, "startColumnIndex": 1, "endColumnIndex": 3}}},
            {"findReplace": {"find": "c", "replacement": "e", **here}},
            {"repeatCell": {"range": cell, "fields": "userEnteredFormat", "cell": {"userEnteredFormat": BOLD}}},
            {"updateDimensionProperties": {"range": rows, "fields": "*", "properties": {"pixelSize": 40}}},
            {"autoResizeDimensions": {"dimensions": {**rows, "dimension": "COLUMNS"}}},
            {"setBasicFilter": {"filter": {"range": cell}}},
            {"addNamedRange": {"namedRange": {"name": "kinds", "range": cell}}},
            {"addProtectedRange": {"protectedRange": {"range": cell}}},
            {"duplicateSheet": {"sourceSheetId": here["sheetId"], "newSheetId": 4711}},
            {"deleteSheet": {"sheetId": 4711}},
        ]  # fmt: skip
        answer = google.batchUpdate(
            spreadsheetId=SPREADSHEET_ID,
            body={
                "requests": kinds,
                "includeSpreadsheetInResponse": True,
                "responseIncludeGridData": True,
            },
        ).execute()
        assert problems(answer, "BatchUpdateSpreadsheetResponse") == []
        assert answer["replies"][4]["findReplace"] == {
            "occurrencesChanged": 3,
            "valuesChanged": 3,
            "rowsChanged": 1,
            "sheetsChanged": 1,
        }
        assert [r["name"] for r in answer["updatedSpreadsheet"]["namedRanges"]] == ["kinds"]  # fmt: skip

    @pytest.mark.parametrize(
        "request_",
        [
            {"setBasicFilter": {"filter": {"sortSpecs": [{"sortOrder": "ASCENDING"}]}}},
            {"copyPaste": {"source": {}, "destination": {}, "pasteType": "PASTE_NO_BORDERS"}},
            {"updateDimensionProperties": {"range": {"dimension": "ROWS"}, "fields": "developerMetadata"}},
            {"addBanding": {}},
        ],
    )  # fmt: skip
    def test_request_with_unsupported_fields_is_rejected(self, google, request_):
        with pytest.raises(HttpError, match="does not support"):
            google.batchUpdate(
                spreadsheetId=SPREADSHEET_ID, body={"requests": [request_]}
            ).execute()


def test_documented_script_works(root_url, tmp_path, gspread_client):
    [script] = re.findall(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    spreadsheet = gspread_client.open_by_key(SPREADSHEET_ID)
    keys = spreadsheet.add_worksheet("User API Keys", 10, 3)
    try:
        keys.update([["API Key", "User Email", "Tier"], ["k", "ada@example.com", "free"]], "A1")  # fmt: skip
        (tmp_path / "data").mkdir()
        (tmp_path / "data/workbook.url").write_text(root_url + "\n")
        (tmp_path / "script.py").write_text(script)
        done = subprocess.run(
            [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert keys.acell("C2").value == "pro"
    finally:
        spreadsheet.del_worksheet(keys)


def grid_data(google, worksheet, cells):
    title = worksheet.title.replace("'", "''")
    answer = google.get(
        spreadsheetId=SPREADSHEET_ID, ranges=[f"'{title}'!{cells}"], includeGridData=True
    ).execute()
    assert problems(answer, "Spreadsheet") == []
    return answer["sheets"][0]["data"][0]


def shown(google, worksheet, cell):
    """The CellData of one cell."""
    return grid_data(google, worksheet, cell)["rowData"][-1]["values"][-1]
