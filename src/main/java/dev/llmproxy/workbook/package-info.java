/**
 * The administrators' spreadsheet: the client of Google's API, the sheets, and how they are found.
 */
package dev.llmproxy.workbook;
