package dev.llmproxy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Metrics in Prometheus' text format, version 0.0.4.
 *
 * @param types the type of each family
 * @param samples all samples
 */
record Scrape(Map<String, String> types, List<Sample> samples) {
  private static final Pattern SAMPLE =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)\\})? (\\S+)");
  private static final Pattern LABEL =
      Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  /** A value with its labels. */
  record Sample(String name, Map<String, String> labels, double value) {}

  static Scrape of(String text) {
    Map<String, String> types = new TreeMap<>();
    List<Sample> samples = new ArrayList<>();
    for (String line : text.lines().toList()) {
      if (line.startsWith("# TYPE ")) {
        String[] words = line.split(" ", -1);
        types.put(words[2], words[3]);
      } else if (!line.startsWith("#")) {
        Matcher sample = SAMPLE.matcher(line);
        if (!sample.matches()) {
          throw new AssertionError("No sample: " + line);
        }
        Map<String, String> labels = new LinkedHashMap<>();
        if (sample.group(2) != null) {
          Matcher label = LABEL.matcher(sample.group(2));
          while (label.find()) {
            labels.put(label.group(1), label.group(2));
          }
        }
        samples.add(new Sample(sample.group(1), labels, Double.parseDouble(sample.group(3))));
      }
    }
    return new Scrape(types, samples);
  }

  /** The family of a sample's name. */
  String family(String sample) {
    for (String suffix : List.of("", "_bucket", "_count", "_sum")) {
      if (sample.endsWith(suffix)) {
        String base = sample.substring(0, sample.length() - suffix.length());
        if (types.containsKey(base) && (suffix.isEmpty() || hasParts(base))) {
          return base;
        }
      }
    }
    throw new AssertionError("No family has the sample " + sample);
  }

  private boolean hasParts(String family) {
    return types.get(family).equals("histogram") || types.get(family).equals("summary");
  }

  /** The labels of a family, without {@code le}. */
  Set<String> labels(String family) {
    Set<String> labels = new LinkedHashSet<>();
    for (Sample sample : samples) {
      if (family(sample.name()).equals(family)) {
        labels.addAll(sample.labels().keySet());
      }
    }
    labels.remove("le");
    return labels;
  }

  /** The sum of the samples of a name that have all these labels. */
  double sum(String name, Map<String, String> labels) {
    return samples.stream()
        .filter(sample -> sample.name().equals(name))
        .filter(sample -> sample.labels().entrySet().containsAll(labels.entrySet()))
        .mapToDouble(Sample::value)
        .sum();
  }
}
