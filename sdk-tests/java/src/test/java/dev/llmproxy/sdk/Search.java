package dev.llmproxy.sdk;

/** A chat in which the server searches the web, and what is said in it. */
final class Search {
  /** The request header by which a client says how it wants to be told of the server's tools. */
  static final String TOLD = "X-Tool-Notifications";

  static final String URL = "https://example.com/found";
  static final String PROMPT = prompt("");
  static final String PROMPT_WITH_WEATHER = prompt(" | get_weather {\"location\": \"Paris\"}");
  static final String ANSWER =
      "Let me look.\n\nThe tool said: {\"engine\":\"searxng\",\"results\":[{\"title\":\"searxng on camels\","
          + "\"url\":\""
          + URL
          + "\",\"snippet\":\"camels & more\"}]}";

  /** Of both turns. */
  static final int TOTAL_TOKENS = 40;

  private Search() {}

  private static String prompt(String afterwards) {
    return "What are camels? [[script say='Let me look.' calls='web_search {\"query\": \"camels\"}"
        + afterwards
        + "']]";
  }
}
