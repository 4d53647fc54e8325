package dev.llmproxy.sdk;

/** A chat in which the server searches the web, and its expected contents. */
final class Search {
  /** The request header with which a client chooses the form of notifications. */
  static final String TOLD = "X-Tool-Notifications";

  static final String URL = "https://example.com/found";
  static final String PROMPT = prompt("");
  static final String PROMPT_WITH_WEATHER = prompt(" | get_weather {\"location\": \"Paris\"}");
  static final String ANSWER =
      "Let me look.\n\nThe tool said: {\"engine\":\"searxng\",\"results\":[{\"title\":\"searxng on camels\","
          + "\"url\":\""
          + URL
          + "\",\"snippet\":\"camels & more\"}]}";

  /** The tokens of both turns. */
  static final int TOTAL_TOKENS = 40;

  private Search() {}

  private static String prompt(String afterwards) {
    return "What are camels? [[script say='Let me look.' calls='web_search {\"query\": \"camels\"}"
        + afterwards
        + "']]";
  }
}
