package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.KnownSettings;
import dev.llmproxy.base.LiveSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * docs/configuration.md is made from application.properties, the rules of the settings, and the
 * list of those that a live edit changes. {@code make golden} writes it.
 */
class ConfigurationPageTest {
  private static final Path PAGE = Path.of("docs/configuration.md");
  private static final Pattern SECTION = Pattern.compile("# --- (.+?) -+");
  private static final Pattern SETTING = Pattern.compile("([A-Z][A-Z0-9_]+) = ?(.*)");
  private static final String INTRODUCTION =
      """
      # Configuration reference

      This page has every setting of [`application.properties`](../application.properties). A test makes it from that file and from the code (`make golden`).

      The environment overrides the file: `PORT=8080 ./llmproxy start`. An empty value means "not set". Spaces around a value are ignored. `NAME_FILE` names a file with the value of `NAME`.
      A wrong value fails the start with the name, the line and the rule; `./llmproxy validate` lists all of them. Settings marked with ↻ take effect by a [live edit](live-edits.md); the others need a restart.
      Providers have more settings, which their files name: [providers](providers.md). Only the environment sets `LLMPROXY_LOG_LEVEL`, `CAMEL_LOG_LEVEL`, `MCP_LOG_LEVEL`, `LOG_FORMAT` and `JAVA_OPTS` ([logs](operation.md#logs)),
      and the standard variables of OpenTelemetry ([monitoring](monitoring.md)).
      """;

  /** Settings that share a comment. */
  private record Group(List<String> settings, String comment) {
    String row() {
      return "| %s | %s |\n".formatted(String.join("<br>", settings), comment);
    }
  }

  @Test
  void pageHasEverySettingWithItsDefaultRuleAndMeaning() throws IOException {
    String page = page(Files.readAllLines(Path.of("application.properties")));

    assertThat(page).contains("`PORT` = `3000`", "↻ `MODEL_ALIASES`");
    Golden.ofThisRun().check(PAGE, page);
  }

  private static String page(List<String> lines) {
    StringBuilder page = new StringBuilder(INTRODUCTION);
    List<String> comment = new ArrayList<>();
    List<String> settings = new ArrayList<>();
    boolean inSection = false;
    for (String line : lines) {
      Matcher section = SECTION.matcher(line);
      Matcher setting = SETTING.matcher(line);
      boolean next = section.matches() || line.isBlank() || line.startsWith("#");
      if (next && !settings.isEmpty()) {
        page.append(new Group(settings, text(comment)).row());
        settings = new ArrayList<>();
        comment = new ArrayList<>();
      }
      if (section.matches()) {
        if (section.group(1).startsWith("Camel")) {
          break;
        }
        inSection = true;
        comment.clear();
        page.append(
            "\n## %s\n\n| setting and default | meaning |\n|---|---|\n"
                .formatted(section.group(1)));
      } else if (line.isBlank()) {
        comment.clear();
      } else if (inSection && line.startsWith("#")) {
        comment.add(line.substring(1).strip());
      } else if (inSection && setting.matches()) {
        settings.add(setting(setting.group(1), setting.group(2).strip()));
      }
    }
    return page.toString();
  }

  private static String setting(String name, String value) {
    KnownSettings.Setting known = KnownSettings.all().get(name);
    String rule =
        known == null || known.kind() instanceof KnownSettings.Text ? "" : known.kind().rule();
    return "%s`%s`%s%s"
        .formatted(
            LiveSettings.isLive(name) ? "↻ " : "",
            name,
            value.isEmpty() ? "" : " = `" + value + "`",
            rule.isEmpty() ? "" : " (" + rule + ")");
  }

  private static String text(List<String> comment) {
    return comment.stream()
        .collect(Collectors.joining(" "))
        .replace("|", "\\|")
        .replace("<", "&lt;");
  }
}
