/**
 * The embedded workbook: a server on loopback that speaks the part of the Google Sheets v4 REST API
 * which this product and administrators' scripts use, so that one code path serves first run, tests
 * and production.
 *
 * <p>From the outside in: {@link dev.llmproxy.workbook.embedded.EmbeddedWorkbook} opens and closes
 * it, {@code SheetsHandler} is the HTTP door, {@code SheetsApi} the table of methods, {@code
 * *Requests} and {@code *Methods} what they do, {@code *Table} the SQL beneath. Words and error
 * texts follow Google's; where Google's behaviour is undocumented the stricter reading was taken,
 * so that what works here works there.
 *
 * <p>What is accepted is given back, what would be lost is refused. Left out on purpose: formulas
 * are kept but neither evaluated nor adjusted when cells move, number formats do not change {@code
 * formattedValue}, and USER_ENTERED recognises numbers, booleans and formulas but not dates,
 * percentages or currencies, which stay text.
 */
package dev.llmproxy.workbook.embedded;
