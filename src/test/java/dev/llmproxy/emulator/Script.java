package dev.llmproxy.emulator;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The directives for one answer: the preset of the upstream model, overridden by {@code [[script
 * key=value …]]} in the last user message.
 */
record Script(Map<Directive, String> values) {

  /** Upstream models with directives of their own; all other models answer normally. */
  static final Map<String, String> PRESETS =
      Map.ofEntries(
          Map.entry("scripted", ""),
          Map.entry("scripted-slow", "chunks=100 gap=50"),
          Map.entry("scripted-tools", "tools=2"),
          Map.entry("scripted-obedient", "obey=1"),
          Map.entry("scripted-reasoning", "reasoning=1"),
          Map.entry("scripted-groq", "groq=1"),
          Map.entry("scripted-bare", "bare=1"),
          Map.entry("scripted-busy", "status=429 retry_after=7"),
          Map.entry("scripted-broken", "status=500"),
          Map.entry("scripted-down", "status=503"),
          Map.entry("scripted-locked", "status=401 code=invalid_api_key"),
          Map.entry("scripted-unpaid", "status=402"),
          Map.entry("scripted-picky", "status=400 code=invalid_value"),
          Map.entry("scripted-short", "status=400 code=context_length_exceeded"),
          Map.entry("scripted-prude", "status=400 code=content_filter"),
          Map.entry("scripted-filter", "chunks=0 finish=content_filter"),
          Map.entry("scripted-dropping", "hangup=1"),
          Map.entry("scripted-cut", "cut=0"),
          Map.entry("scripted-cut-later", "chunks=20 cut=5"),
          Map.entry("scripted-ended", "end=0"),
          Map.entry("scripted-error", "error=0"),
          Map.entry("scripted-silent", "silent=0"),
          Map.entry("scripted-silent-later", "chunks=20 silent=5"),
          Map.entry("scripted-mute", "ttft=3600000"),
          Map.entry("no-such-model", "status=404 code=model_not_found"));

  private static final Pattern MARK = Pattern.compile("\\[\\[script\\b(.*?)]]", Pattern.DOTALL);
  private static final Pattern SETTING = Pattern.compile("(\\w+)=(?:'([^']*)'|(\\S+))");

  /** Throws {@link IllegalArgumentException} for an unknown directive. */
  static Script of(String model, String message) {
    Map<Directive, String> values = new EnumMap<>(Directive.class);
    read(PRESETS.getOrDefault(model, ""), values);
    Matcher mark = MARK.matcher(message);
    while (mark.find()) {
      read(mark.group(1), values);
    }
    return new Script(values);
  }

  static String withoutMarks(String message) {
    return MARK.matcher(message).replaceAll("").strip();
  }

  private static void read(String settings, Map<Directive, String> values) {
    Matcher setting = SETTING.matcher(settings);
    while (setting.find()) {
      String key = setting.group(1);
      Directive directive =
          Directive.of(key)
              .orElseThrow(() -> new IllegalArgumentException("no such directive: " + key));
      values.put(directive, Optional.ofNullable(setting.group(2)).orElse(setting.group(3)));
    }
  }

  /** This script without the failures in the middle of a stream. */
  Script withoutMishaps() {
    Map<Directive, String> others = new EnumMap<>(values);
    for (Mishap mishap : Mishap.values()) {
      others.remove(mishap.directive);
    }
    return new Script(others);
  }

  boolean has(Directive directive) {
    return values.containsKey(directive);
  }

  Optional<String> text(Directive directive) {
    return Optional.ofNullable(values.get(directive));
  }

  int number(Directive directive, int fallback) {
    return has(directive) ? Integer.parseInt(values.get(directive)) : fallback;
  }
}
