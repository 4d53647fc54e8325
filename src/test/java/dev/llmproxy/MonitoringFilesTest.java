package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The files of deploy/monitoring. {@link MetricsRouteTest} checks their metrics. */
class MonitoringFilesTest {
  private static final Path FOLDER = Path.of("deploy/monitoring");
  private static final Path PAGE = Path.of("docs/monitoring.md");
  private static final Pattern TEXT = Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"");
  private static final Pattern SELECTOR =
      Pattern.compile("([a-zA-Z_:][a-zA-Z0-9_:]*)\\s*(\\{[^}]*\\})?(\\s*\\[[^]]*\\])?");
  private static final Pattern GROUPING =
      Pattern.compile("\\b(?:by|without|on|ignoring)\\s*\\(([^)]*)\\)");
  private static final Pattern MATCHER =
      Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)\\s*(?:=~|!~|!=|=)");
  private static final Set<String> WORDS =
      Set.of(
          "sum",
          "min",
          "max",
          "rate",
          "histogram_quantile",
          "by",
          "or",
          "and",
          "unless",
          "up",
          "label_values",
          "instance");

  /** The labels that Prometheus adds. */
  private static final Set<String> ADDED = Set.of("instance", "job", "le");

  /** The metrics of an expression with the labels that it uses of any of them. */
  record Use(Set<String> metrics, Set<String> labels) {}

  /** Every expression of the dashboard and the alerts, by where it is. */
  static Map<String, String> expressions() throws IOException {
    Map<String, String> all = new TreeMap<>();
    for (JsonNode rule : rules()) {
      all.put("alert " + rule.path("alert").asText(), rule.path("expr").asText());
    }
    JsonNode dashboard = Json.parse(Files.readString(FOLDER.resolve("dashboard.json")));
    for (JsonNode panel : dashboard.path("panels")) {
      for (JsonNode target : panel.path("targets")) {
        all.put(
            "panel " + panel.path("title").asText() + " " + target.path("refId").asText(),
            target.path("expr").asText());
      }
    }
    return all;
  }

  /** Reads the metrics and labels of a PromQL expression: selectors, matchers and groupings. */
  static Use use(String expression) {
    Set<String> labels = new TreeSet<>();
    String plain = TEXT.matcher(expression).replaceAll("\"\"");
    Matcher grouping = GROUPING.matcher(plain);
    while (grouping.find()) {
      Stream.of(grouping.group(1).split(",", -1)).map(String::strip).forEach(labels::add);
    }
    Set<String> metrics = new TreeSet<>();
    Matcher selector = SELECTOR.matcher(grouping.replaceAll(" "));
    while (selector.find()) {
      if (!WORDS.contains(selector.group(1))) {
        metrics.add(selector.group(1));
      }
      if (selector.group(2) != null) {
        Matcher matcher = MATCHER.matcher(selector.group(2));
        while (matcher.find()) {
          labels.add(matcher.group(1));
        }
      }
    }
    labels.removeAll(ADDED);
    return new Use(metrics, labels);
  }

  @Test
  void readerOfExpressionsFindsMetricsAndLabels() {
    Use use =
        use(
            "histogram_quantile(0.9, sum by (le, a) (rate(x_bucket{b=~\"{c}\"}[5m]))) / max(y{d!=\"\"}) > 1");

    assertThat(use.metrics()).containsExactly("x_bucket", "y");
    assertThat(use.labels()).containsExactly("a", "b", "d");
  }

  @Test
  void everyAlertHasItsSectionInTheRunbook() throws IOException {
    List<String> sections = new ArrayList<>();
    for (JsonNode rule : rules()) {
      String name = rule.path("alert").asText();
      assertThat(rule.at("/annotations/runbook_url").asText())
          .isEqualTo("docs/monitoring.md#" + name.toLowerCase(Locale.ROOT));
      sections.add("### " + name);
    }

    assertThat(Files.readAllLines(PAGE).stream().filter(line -> line.startsWith("### Llmproxy")))
        .containsExactlyElementsOf(sections);
  }

  @Test
  void promtoolAcceptsTheRulesAndTheirTests() throws Exception {
    Assumptions.assumeTrue(
        run("promtool", "--version") == 0,
        "promtool is missing (Debian's package prometheus), so the alert rules are not run");

    assertThat(run("promtool", "check", "config", "prometheus.yml")).isZero();
    assertThat(run("promtool", "test", "rules", "alerts.test.yml")).isZero();
  }

  private static int run(String... command) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(FOLDER.toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.INHERIT)
              .start();
      return process.waitFor(1, TimeUnit.MINUTES) ? process.exitValue() : -1;
    } catch (IOException e) {
      return -1;
    }
  }

  private static List<JsonNode> rules() throws IOException {
    List<JsonNode> rules = new ArrayList<>();
    new YAMLMapper()
        .readTree(Files.readString(FOLDER.resolve("alerts.yml")))
        .path("groups")
        .forEach(group -> group.path("rules").forEach(rules::add));
    return rules;
  }
}
