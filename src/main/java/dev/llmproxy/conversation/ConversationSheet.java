package dev.llmproxy.conversation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.DeleteDimensionRequest;
import com.google.api.services.sheets.v4.model.DimensionRange;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import dev.llmproxy.base.Json;
import dev.llmproxy.flush.UsageLine;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.workbook.WorkbookSchema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;

/** The sheet {@code Conversations}: the cells of its rows, and the deletion of rows. */
final class ConversationSheet {
  static final String TITLE = "Conversations";
  static final String TIMESTAMP = "Timestamp";
  static final String EMAIL = "Email";
  static final List<String> HEADERS =
      List.of(
          "Request ID",
          TIMESTAMP,
          EMAIL,
          "Model",
          "Messages",
          "Answer",
          "Thinking",
          "Tool Calls",
          "Status");

  private static final List<String> THINKING =
      List.of("reasoning_content", "reasoning", "thinking");
  private static final int LONGEST_CELL = 50_000;
  private static final int LETTERS = 26;

  private ConversationSheet() {}

  /**
   * A conversation as a row. Text that does not fit into a cell is cut and marked.
   *
   * @param headers the cells of the first row; people reorder columns and add some
   */
  static RowData row(Conversation conversation, List<?> headers) {
    ObjectNode all = conversation.toJson();
    List<String> answers = new ArrayList<>();
    List<String> thoughts = new ArrayList<>();
    List<String> calls = new ArrayList<>();
    for (JsonNode choice : all.path("choices")) {
      JsonNode message = choice.path("message");
      add(answers, message.path("content"));
      add(answers, message.path("refusal"));
      THINKING.forEach(name -> add(thoughts, message.path(name)));
      add(calls, message.path("tool_calls"));
    }
    Map<String, String> texts = new HashMap<>();
    texts.put("request id", conversation.requestId());
    texts.put("timestamp", UsageLine.iso(conversation.createdAt()));
    texts.put("email", conversation.email());
    texts.put("model", conversation.model());
    texts.put("messages", Json.text(all.path("messages")));
    texts.put("answer", String.join("\n\n", answers));
    texts.put("thinking", String.join("\n\n", thoughts));
    texts.put("tool calls", String.join("\n\n", calls));
    texts.put("status", conversation.status().name());
    List<CellData> cells = new ArrayList<>();
    for (Object header : headers) {
      String text = texts.getOrDefault(normal(header), "");
      cells.add(
          text.isEmpty()
              ? new CellData()
              : WorkbookSchema.text(capped(text, conversation.requestId())));
    }
    return WorkbookSchema.row(cells);
  }

  /** The range of the column under a header, in A1 notation; null when there is none. */
  static String column(List<?> headers, String header) {
    for (int i = 0; i < headers.size(); i++) {
      if (is(headers.get(i), header)) {
        String letters = "";
        for (int rest = i + 1; rest > 0; rest = (rest - 1) / LETTERS) {
          letters = (char) ('A' + (rest - 1) % LETTERS) + letters;
        }
        return letters + ":" + letters;
      }
    }
    return null;
  }

  /** Whether a cell is this header. */
  static boolean is(Object cell, String header) {
    return normal(cell).equals(header.toLowerCase(Locale.ROOT));
  }

  /**
   * The requests that delete rows, from the bottom up, so that the indexes of the rows above stay
   * the same.
   *
   * @param rows the number of rows, including the header, which stays
   * @param deleted whether to delete a row, counted from 0
   * @param most the largest number of requests; neighbouring rows share one
   */
  static List<Request> deletions(int sheetId, int rows, IntPredicate deleted, int most) {
    List<Request> requests = new ArrayList<>();
    int row = rows - 1;
    while (row > 0 && requests.size() < most) {
      int end = row + 1;
      while (row > 0 && deleted.test(row)) {
        row--;
      }
      if (row + 1 < end) {
        requests.add(
            new Request()
                .setDeleteDimension(
                    new DeleteDimensionRequest()
                        .setRange(
                            new DimensionRange()
                                .setSheetId(sheetId)
                                .setDimension("ROWS")
                                .setStartIndex(row + 1)
                                .setEndIndex(end))));
      }
      row--;
    }
    return requests;
  }

  private static void add(List<String> texts, JsonNode value) {
    if (value.isTextual()) {
      texts.add(value.textValue());
    } else if (!value.isMissingNode() && !value.isNull()) {
      texts.add(Json.text(value));
    }
  }

  private static String capped(String text, String requestId) {
    if (text.length() <= LONGEST_CELL) {
      return text;
    }
    String mark =
        " … [cut off, %d characters in all: ./llmproxy conversations --request %s]"
            .formatted(text.length(), requestId);
    int end = LONGEST_CELL - mark.length();
    return text.substring(0, Character.isLowSurrogate(text.charAt(end)) ? end - 1 : end) + mark;
  }

  private static String normal(Object header) {
    return String.valueOf(header).strip().toLowerCase(Locale.ROOT);
  }
}
