package dev.llmproxy.migration;

import java.util.List;
import java.util.Map;

/**
 * How a provider is reached. Equal ones share a provider file.
 *
 * @param template the provider file whose format and rules apply, e.g. openai
 * @param address the base URL, with {@code {{NAME}}} for settings; null for that of the template
 * @param keys the keys, in their order; empty when the template's usual setting has it
 * @param settings settings that the template's base URL needs, by name
 */
record Connection(String template, String address, List<Text> keys, Map<String, Text> settings) {
  Connection {
    keys = List.copyOf(keys);
    settings = Map.copyOf(settings);
  }

  static Connection to(String template, String address, Text key) {
    return new Connection(template, address, key == null ? List.of() : List.of(key), Map.of());
  }
}
