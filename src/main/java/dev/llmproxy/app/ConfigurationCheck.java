package dev.llmproxy.app;

import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import dev.llmproxy.base.Problem;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SteadyClock;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.doctor.SettingsCheck;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Checks settings, providers, aliases, MCP servers and routes as the start and an edit do, and
 * lists every problem. It opens no port, uses no network, and writes to a temporary folder only.
 */
public final class ConfigurationCheck {
  /** In place of the real data and other systems. Nothing listens on port 9. */
  private static final Map<String, String> ELSEWHERE =
      Map.of(
          "DATABASE_URL", "",
          "REDIS_URL", "",
          "GOOGLE_SHEETS_SPREADSHEET_ID", "",
          "GOOGLE_APPLICATION_CREDENTIALS", "",
          "SHEETS_ROOT_URL", "http://127.0.0.1:9/",
          "MCP_SERVERS", "",
          "LOCAL_MODEL", "off",
          "RESPONSE_CACHE_MB", "0");

  private ConfigurationCheck() {}

  /** All problems: of the settings, then of providers, then of routes. Empty when there is none. */
  public static List<Problem> run(Settings settings) {
    SettingsCheck check = new SettingsCheck(settings);
    List<Problem> problems = new ArrayList<>();
    check.problems().forEach(each -> problems.add(Problem.of(each)));
    Settings corrected = check.corrected();
    ProviderCatalogue.problems(corrected).forEach(each -> problems.add(Problem.of(each)));
    problems.addAll(routes(corrected));
    return problems;
  }

  private static List<Problem> routes(Settings settings) {
    try {
      Path folder = Files.createTempDirectory("llmproxy-check");
      try {
        return routes(settings, folder);
      } finally {
        MoreFiles.deleteRecursively(folder, RecursiveDeleteOption.ALLOW_INSECURE);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Problem> routes(Settings settings, Path folder) {
    Settings elsewhere = settings.with("LLMPROXY_DATA", folder.toString());
    for (Map.Entry<String, String> each : ELSEWHERE.entrySet()) {
      elsewhere = elsewhere.with(each.getKey(), each.getValue());
    }
    Settings own = elsewhere;
    try (Application application =
            Application.open(
                own,
                Clock.systemUTC(),
                new SteadyClock(),
                new OpenParts(),
                () -> ProviderCatalogue.ofValidFiles(own));
        Generation generation = new Generation(0, application, HttpListener.front(application))) {
      generation.start();
      return List.of();
    } catch (RoutesException e) {
      return e.problems();
    }
  }
}
