"""Tests of the checker: it must find invalid answers."""

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
def test_invalid_answer_is_found(answer, where):
    [problem] = problems(answer, "Spreadsheet")
    assert problem.startswith(where)


def test_valid_answer_is_accepted():
    answer = {"sheets": [{"properties": {"sheetId": 0, "sheetType": "GRID"}}]}
    assert problems(answer, "Spreadsheet") == []
