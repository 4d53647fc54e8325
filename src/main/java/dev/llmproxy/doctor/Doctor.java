package dev.llmproxy.doctor;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.RouteSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.workbook.Workbook;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** The checks of an installation. They change nothing, and work while a server runs. */
public final class Doctor {
  private Doctor() {}

  /**
   * One check.
   *
   * @param name the checked part, in one word
   */
  public record Check(String name, Supplier<List<Finding>> examination) {
    /** The findings. An exception of the check is a problem among them. */
    public List<Finding> run() {
      try {
        return examination.get();
      } catch (RuntimeException e) {
        return List.of(Finding.problem(name, String.valueOf(e.getMessage()), ""));
      }
    }
  }

  /**
   * All checks, in the order in which their findings are shown.
   *
   * @param workbook the open workbook; null has the check open and close the one of the settings
   * @param online whether each provider that is on is asked whether it accepts the configured key
   */
  public static List<Check> checks(Settings settings, Workbook workbook, boolean online) {
    return List.of(
        new Check(
            "java",
            () ->
                List.of(
                    Finding.ok(
                        "java", Runtime.version() + ", " + System.getProperty("java.home")))),
        new Check("settings", () -> new SettingsCheck(settings).run()),
        new Check("routes", () -> routes(RouteSettings.of(settings))),
        new Check("data", () -> new DataCheck(settings).run()),
        new Check("ledger", () -> new LedgerCheck(settings).run()),
        new Check("limits", () -> new LimitCheck(settings).run()),
        new Check("workbook", () -> new WorkbookCheck(settings, workbook).run()),
        new Check("providers", () -> new ProviderCheck(settings, online).run()));
  }

  private static List<Finding> routes(RouteSettings routes) {
    List<String> off = new ArrayList<>(routes.available());
    off.removeAll(routes.optional());
    return List.of(
        Finding.ok(
            "routes",
            "optional routes that are on: %s; off: %s"
                .formatted(names(routes.optional()), names(off))));
  }

  private static String names(List<String> names) {
    return names.isEmpty() ? "none" : String.join(", ", names);
  }

  /** The findings as JSON, for scripts and for the page. */
  public static ArrayNode json(List<Finding> findings) {
    ArrayNode list = Json.array();
    for (Finding finding : findings) {
      list.addObject()
          .put("level", finding.level().name().toLowerCase(Locale.ROOT))
          .put("check", finding.check())
          .put("what", finding.what())
          .put("remedy", finding.remedy());
    }
    return list;
  }
}
