"""The checker itself: it must find what is wrong."""

import pytest

from discovery import problems


@pytest.mark.parametrize(
    "answer, where",
    [
        ({"spreadsheetID": "x"}, "Spreadsheet: unknown field spreadsheetID"),
        ({"sheets": {}}, "Spreadsheet.sheets"),
        ({"sheets": [{"properties": {"sheetId": "0"}}]}, "Spreadsheet.sheets[0].properties.sheetId"),
        ({"sheets": [{"properties": {"hidden": 1}}]}, "Spreadsheet.sheets[0].properties.hidden"),
        ({"sheets": [{"properties": {"sheetType": "SHEET"}}]}, "Spreadsheet.sheets[0].properties.sheetType"),
    ],
)  # fmt: skip
def test_finds_what_does_not_fit(answer, where):
    [problem] = problems(answer, "Spreadsheet")
    assert problem.startswith(where)


def test_accepts_what_fits():
    answer = {"sheets": [{"properties": {"sheetId": 0, "sheetType": "GRID"}}]}
    assert problems(answer, "Spreadsheet") == []
