package dev.llmproxy.format.responses;

/**
 * Ids of responses and their items. An id of an item contains its response's, so that an item needs
 * no entry of its own to be found.
 */
final class ResponseIds {
  private static final String RESPONSE = "resp_";

  private ResponseIds() {}

  /**
   * The id of the response to a request.
   *
   * @param requestId {@code req_} and a text that is unique in the product
   */
  static String response(String requestId) {
    return RESPONSE + unique(requestId);
  }

  /**
   * The id of an item.
   *
   * @param kind {@code msg}, {@code fc}, {@code ctc}, {@code rs}, {@code ws} or {@code mcp}
   * @param number the place of the item in its response
   */
  static String item(String kind, String responseId, int number) {
    return kind + "_" + unique(responseId) + "_" + number;
  }

  /** The id of an item's response; of no response when the item's id is of another form. */
  static String responseOf(String itemId) {
    int start = itemId.indexOf('_');
    int end = itemId.lastIndexOf('_');
    return start < end ? RESPONSE + itemId.substring(start + 1, end) : "";
  }

  private static String unique(String id) {
    return id.substring(id.indexOf('_') + 1);
  }
}
