/**
 * The embedded workbook: a server on loopback with the part of the Google Sheets v4 REST API that
 * the product and administrators' scripts use. The product has one code path for the first run,
 * tests and production.
 *
 * <p>{@link dev.llmproxy.workbook.embedded.EmbeddedWorkbook} opens and closes the server. {@code
 * SheetsHandler} handles HTTP. {@code SheetsApi} is the table of methods. Classes named {@code
 * *Requests} and {@code *Methods} implement the methods. Classes named {@code *Table} contain the
 * SQL. Names and error texts follow Google's. Where Google's behaviour is undocumented, the
 * embedded workbook is strict, so that code that works with it works with Google too.
 *
 * <p>The server returns what it has accepted, and refuses what it could not return. Left out on
 * purpose: formulas are stored but neither evaluated nor adjusted when cells move, number formats
 * do not change {@code formattedValue}, and USER_ENTERED recognises numbers, booleans and formulas
 * but not dates, percentages or currencies, which stay text.
 */
package dev.llmproxy.workbook.embedded;
