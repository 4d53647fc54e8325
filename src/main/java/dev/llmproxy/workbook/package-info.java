/** The administrator's spreadsheet: Google's API, its sheets, and how they are found. */
package dev.llmproxy.workbook;
