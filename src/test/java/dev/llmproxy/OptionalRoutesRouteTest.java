package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.RouteSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.doctor.Doctor;
import dev.llmproxy.doctor.Finding;
import dev.llmproxy.doctor.SettingsCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OPTIONAL_ROUTES: files of routes/optional/ run when they are named, and only then. */
class OptionalRoutesRouteTest {
  private static final String GREETING =
      """
      - beans:
          - name: greeting
            type: java.net.URI
            factoryMethod: create
            constructors:
              "0": good:morning
      - route:
          id: ROUTE
          description: Greets
          routeConfigurationId: http-errors
          from:
            uri: platform-http:/ROUTE
            steps:
              - setBody:
                  simple: "${ref:greeting}!"
      """;

  /** Settings without which shipped routes do not start. */
  private static final Map<String, String> NEEDED =
      Map.of(
          "CALLBACK_WEBHOOK_URL",
          "http://127.0.0.1:9/",
          "CALLBACK_WEBHOOK_SECRET",
          "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
          "CALLBACK_SLACK_WEBHOOK",
          "http://127.0.0.1:9/",
          "CALLBACK_MAIL_SERVER",
          "smtp://127.0.0.1:9",
          "CALLBACK_MAIL_FROM",
          "llmproxy@example.com",
          "CALLBACK_MAIL_TO",
          "ann@example.com",
          "KAFKA_BROKERS",
          "127.0.0.1:9",
          "GUARD_JUDGE_MODEL",
          "openai/scripted",
          "GUARD_JUDGE_KEY",
          "sk-judge");

  @TempDir private Path folder;
  private Path home;

  @BeforeEach
  void addRoutes() throws IOException {
    home = OwnHome.copyTo(folder.resolve("home"));
    Files.createDirectories(home.resolve("routes/optional"));
    write("greet-early");
    write("greet-late");
  }

  private void write(String route) throws IOException {
    Files.writeString(
        home.resolve("routes/optional/" + route + RouteSettings.SUFFIX),
        GREETING.replace("ROUTE", route));
  }

  @Test
  void onlyNamedRoutesRunAndThePagesShowThem() throws IOException {
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.put("OPTIONAL_ROUTES", "greet-early");
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      assertThat(gateway.get("/greet-early", "").body()).isEqualTo("good:morning!");
      assertThat(gateway.get("/greet-late", "").statusCode()).isEqualTo(404);

      AdminBrowser admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
      JsonNode routes = Json.parse(admin.get("/admin/api/routes").body());
      assertThat(routes.path("routes").findValuesAsText("file"))
          .contains("optional/greet-early.camel.yaml")
          .doesNotContain("optional/greet-late.camel.yaml");
      assertThat(
              Json.parse(admin.get("/admin/api/routes/greet-early").body()).path("text").asText())
          .startsWith("- beans:");
      JsonNode findings = Json.parse(admin.get("/admin/api/system/findings").body());
      assertThat(findings.findValuesAsText("what"))
          .anySatisfy(what ->
              assertThat(what)
                  .startsWith("optional routes that are on: greet-early; off: ")
                  .contains("greet-late"));
    }
  }

  @Test
  void unknownNameFailsTheStartAndNamesThoseThatExist() {
    Settings settings = settings("greet-early, greet-erly,../api-home");

    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> new SettingsCheck(settings).requireValidValues())
        .withMessageStartingWith("OPTIONAL_ROUTES names greet-erly, ../api-home, which are not in ")
        .withMessageContaining("(environment). There are: ")
        .withMessageContaining("greet-early, greet-late");
    assertThat(Doctor.checks(settings, null, false))
        .filteredOn(check -> check.name().equals("settings"))
        .flatExtracting(Doctor.Check::run)
        .extracting(Finding::what)
        .anyMatch(what -> what.startsWith("OPTIONAL_ROUTES names greet-erly"));
  }

  /** Every shipped route is created, with all beans that it names. */
  @Test
  void allShippedRoutesRunTogether() {
    List<String> shipped = RouteSettings.of(Settings.load(Path.of(""), Map.of())).available();
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.putAll(NEEDED);
    settings.put("OPTIONAL_ROUTES", String.join(",", shipped));
    try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), settings)) {
      AdminBrowser admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
      assertThat(Gateway.json(admin.get("/admin/api/routes")).path("routes").findValuesAsText("id"))
          .containsAll(shipped);
    }
  }

  @Test
  void nameThatIsGivenTwiceRunsOnce() {
    assertThat(RouteSettings.of(settings("greet-late,greet-early, greet-late")).files())
        .extracting(Path::getFileName)
        .extracting(Path::toString)
        .containsExactly("greet-late.camel.yaml", "greet-early.camel.yaml");
  }

  private Settings settings(String routes) {
    return Settings.load(home, Map.of("OPTIONAL_ROUTES", routes));
  }
}
