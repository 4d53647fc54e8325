package dev.llmproxy.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.Tier;
import dev.llmproxy.workbook.TierSheet;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The sheet {@code Tiers} and the settings of tiers. */
class TiersTest {
  private static final List<Object> HEADER = List.copyOf(TierSheet.HEADERS);
  private static final List<Object> FREE =
      List.of("free", 100, "unlimited", "unlimited", "unlimited", "unlimited", "*", "unlimited");

  @TempDir private Path data;
  private long reading;

  @Test
  void withoutASheetTheTierFreeHasAHundredRequestsAMinuteAndNoOtherLimit() {
    assertThat(tiers(Map.of()).of("free")).isEqualTo(Tier.of("free", Limit.of(100)));
  }

  /** Columns: tier in the key directory | requests a minute. */
  @ParameterizedTest
  @CsvSource({"free, 10", "pro, 500", "pro plus, 900", "pro-plus, 900", "unknown, 10", "'', 10"})
  void aTierThatIsNowhereHasTheLimitsOfTheTierFree(String tier, long requests) {
    Tiers tiers =
        tiers(
            Map.of(
                "RATE_LIMIT_FREE", "10",
                "RATE_LIMIT_PRO", "500",
                "RATE_LIMIT_PRO_PLUS", "900",
                "RATE_LIMIT_BLANK", " "));
    assertThat(tiers.of(tier).requestsPerMinute()).isEqualTo(Limit.of(requests));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "many", "1.5", "1000001"})
  void invalidSettingsFailTheStart(String value) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> tiers(Map.of("RATE_LIMIT_PRO", value)))
        .withMessageContaining("RATE_LIMIT_PRO")
        .withMessageContaining(value);
  }

  @Test
  void everyColumnIsRead() {
    Tiers tiers = tiers(Map.of());
    load(
        tiers,
        HEADER,
        FREE,
        List.of("Pro Plus", 500.0, "20,000", 10000, 5, "$12.50", "groq/*, fast", "web_search"));

    Tier pro = tiers.of("pro-plus");
    assertThat(pro.requestsPerMinute()).isEqualTo(Limit.of(500));
    assertThat(pro.tokensPerMinute()).isEqualTo(Limit.of(20_000));
    assertThat(pro.requestsPerDay()).isEqualTo(Limit.of(10_000));
    assertThat(pro.concurrent()).isEqualTo(Limit.of(5));
    assertThat(pro.budget()).isEqualTo(new Limit(new BigDecimal("12.5")));
    assertThat(pro.models()).hasToString("groq/*, fast");
    assertThat(pro.tools().names()).containsExactly("web_search");
    assertThat(tiers.problems()).isEmpty();
    assertThat(tiers.has("pro plus")).isTrue();
    assertThat(tiers.has("prp plus")).isFalse();
  }

  @Test
  void anEmptyCellHasTheValueOfTheTierFreeAndTheSheetComesBeforeTheSettings() {
    Tiers tiers = tiers(Map.of("RATE_LIMIT_PRO", "500", "RATE_LIMIT_FREE", "7"));
    load(
        tiers,
        HEADER,
        List.of("free", "", 1000, "", 2, 3, "groq/*", "none"),
        List.of("pro", ""),
        List.of("team", 20, "unlimited", "", "unlimited", "unlimited", "all", "unlimited"));

    assertThat(tiers.of("free").requestsPerMinute()).isEqualTo(Limit.of(7));
    Tier pro = tiers.of("pro");
    assertThat(pro.requestsPerMinute()).isEqualTo(Limit.of(500));
    assertThat(pro.tokensPerMinute()).isEqualTo(Limit.of(1000));
    assertThat(pro.requestsPerDay()).isEqualTo(Limit.UNLIMITED);
    assertThat(pro.concurrent()).isEqualTo(Limit.of(2));
    assertThat(pro.budget()).isEqualTo(Limit.of(3));
    assertThat(pro.models()).hasToString("groq/*");
    assertThat(pro.tools().names()).isEmpty();
    Tier team = tiers.of("team");
    assertThat(team.requestsPerMinute()).isEqualTo(Limit.of(20));
    assertThat(team.tokensPerMinute()).isEqualTo(Limit.UNLIMITED);
    assertThat(team.models()).isNull();
    assertThat(team.tools()).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Request/min",
        "requests / minute",
        "RPM",
        "Requests/mn",
        "Rate Limit",
        "Reqeusts/min"
      })
  void aMisspeltColumnStillLimitsAndIsReported(String header) {
    List<Object> misspelt = new ArrayList<>(HEADER);
    misspelt.set(1, header);
    Tiers tiers = tiers(Map.of());
    load(tiers, misspelt, List.of("free", 3));

    assertThat(tiers.of("free").requestsPerMinute()).isEqualTo(Limit.of(3));
    assertThat(tiers.problems())
        .singleElement()
        .satisfies(problem -> {
          assertThat(problem.row()).isZero();
          assertThat(problem.what()).contains(header).contains("is read as \"Requests/min\"");
        });
    assertThat(tiers.untidy()).isTrue();
  }

  @Test
  void aColumnThatBecomesUnrecognisableKeepsItsLastValues() {
    Tiers tiers = tiers(Map.of());
    load(tiers, HEADER, FREE, List.of("pro", 500, 1000, "", "", 20));
    List<Object> changed = new ArrayList<>(HEADER);
    changed.set(5, "Geld");
    load(tiers, changed, FREE, List.of("pro", 500, 2000, "", "", 99));

    assertThat(tiers.of("pro").budget()).isEqualTo(Limit.of(20));
    assertThat(tiers.of("pro").tokensPerMinute()).isEqualTo(Limit.of(2000));
    assertThat(tiers.problems())
        .singleElement()
        .extracting(KeyProblem::what)
        .isEqualTo("has lost its column \"Budget USD/month\"; its last values still apply");

    load(tiers, HEADER, FREE, List.of("pro", 500, 2000, "", "", "unlimited"));
    assertThat(tiers.of("pro").budget()).isEqualTo(Limit.UNLIMITED);
    assertThat(tiers.problems()).isEmpty();
  }

  @Test
  void aCellThatCannotBeReadKeepsItsLastValueAndAllowsNothingWithoutOne() {
    Tiers tiers = tiers(Map.of());
    load(tiers, HEADER, FREE, List.of("pro", 500, 1000));
    load(
        tiers,
        HEADER,
        FREE,
        List.of("pro", "5OO", 1000),
        List.of("new", 5, "many", 1.5, -1, "ten dollars", "groq/* fast", "web search"));

    assertThat(tiers.of("pro").requestsPerMinute()).isEqualTo(Limit.of(500));
    Tier fresh = tiers.of("new");
    assertThat(fresh.tokensPerMinute()).isEqualTo(Limit.NOTHING);
    assertThat(fresh.requestsPerDay()).isEqualTo(Limit.NOTHING);
    assertThat(fresh.concurrent()).isEqualTo(Limit.NOTHING);
    assertThat(fresh.budget()).isEqualTo(Limit.NOTHING);
    assertThat(fresh.models().allow("groq/x")).isFalse();
    assertThat(fresh.tools().names()).isEmpty();
    assertThat(tiers.problems()).hasSize(7).extracting(KeyProblem::row).contains(3, 4);
    assertThat(tiers.problems().toString()).doesNotContain("5OO", "ten dollars");
  }

  @Test
  void withoutItsRowTheTierFreeKeepsItsLimits() {
    Tiers tiers = tiers(Map.of());
    load(tiers, HEADER, List.of("free", 5, 50));
    load(tiers, HEADER, List.of("pro", 500));
    assertThat(tiers.of("free").requestsPerMinute()).isEqualTo(Limit.of(5));
    assertThat(tiers.of("free").tokensPerMinute()).isEqualTo(Limit.of(50));
    assertThat(tiers.problems()).hasSize(1);
  }

  @Test
  void anEmptiedSheetKeepsTheTiersAlsoAfterARestart() {
    Tiers tiers = tiers(Map.of());
    load(tiers, HEADER, List.of("free", 5, 50), List.of("pro", 500));
    load(tiers);
    assertThat(tiers.of("pro").requestsPerMinute()).isEqualTo(Limit.of(500));
    assertThat(tiers.untidy()).isTrue();

    Tiers restarted = tiers(Map.of());
    assertThat(restarted.of("pro")).isEqualTo(tiers.of("pro"));
    assertThat(restarted.rows()).isEqualTo(tiers.rows());
    assertThat(restarted.rows().getFirst()).startsWith("free", "5", "50");
  }

  @Test
  void aNewSheetHasTheTiersOfTheSettings() {
    assertThat(tiers(Map.of("RATE_LIMIT_PRO_PLUS", "500", "RATE_LIMIT_OPEN", "unlimited")).rows())
        .containsExactly(
            List.of(
                "free",
                "100",
                "unlimited",
                "unlimited",
                "unlimited",
                "unlimited",
                "unlimited",
                "unlimited"),
            List.of("open", "unlimited"),
            List.of("pro_plus", "500"));
  }

  @Test
  void aTierThatIsThereTwiceIsReportedAndTheFirstCounts() {
    Tiers tiers = tiers(Map.of());
    load(tiers, HEADER, FREE, List.of("pro", 1), List.of("PRO", 2), List.of("", 3));
    assertThat(tiers.of("pro").requestsPerMinute()).isEqualTo(Limit.of(1));
    assertThat(tiers.problems()).extracting(KeyProblem::row).containsExactly(4, 5);
  }

  @Test
  void aReadingThatStartedEarlierChangesNothing() {
    Tiers tiers = tiers(Map.of());
    tiers.load(List.of(HEADER, List.of("free", 5)), 2);
    tiers.load(List.of(HEADER, List.of("free", 6)), 1);
    assertThat(tiers.of("free").requestsPerMinute()).isEqualTo(Limit.of(5));
  }

  private void load(Tiers tiers, List<?>... rows) {
    List<List<Object>> values = new ArrayList<>();
    for (List<?> row : rows) {
      values.add(List.copyOf(row));
    }
    tiers.load(values, ++reading);
  }

  private Tiers tiers(Map<String, String> environment) {
    return new Tiers(
        LimitSettings.of(Settings.load(Path.of(""), environment)), data, "spreadsheet");
  }
}
