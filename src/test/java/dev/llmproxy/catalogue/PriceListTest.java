package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PriceListTest {
  private static final Instant TIME = Instant.parse("2026-11-28T12:00:00Z");

  @TempDir private Path home;

  /** The costs are those that genai-prices computes; scripts/update-prices writes them. */
  @Test
  void costsAreThoseOfTheSource() throws IOException {
    PriceList prices = PriceList.read(Path.of(""), list -> true);
    List<String> lines =
        Files.readAllLines(Path.of("src/test/resources/fixtures/prices/costs.csv"));
    assertThat(lines.size()).isGreaterThan(1000);
    SoftAssertions all = new SoftAssertions();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      long[] counts = new long[7];
      for (int i = 0; i < counts.length; i++) {
        counts[i] = Long.parseLong(cells[3 + i]);
      }
      TokenCount turn =
          new TokenCount(
              counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6]);
      Price price = Price.at(Instant.parse(cells[2]), prices.find(cells[0], cells[1]).prices());
      all.assertThat(price == null ? null : price.cost(turn))
          .as(line)
          .isEqualByComparingTo(new BigDecimal(cells[10]));
    }
    all.assertAll();
  }

  @Test
  void firstModelWhoseConditionMatchesCounts() throws IOException {
    PriceList prices =
        list(
            """
            {"id": "a", "match": {"equals": "Big"}, "prices": [{"input_mtok": 1}]},
            {"id": "b", "match": {"starts_with": "big-"}, "prices": [{"input_mtok": 2}]},
            {"id": "c", "match": {"and": [{"contains": "big"}, {"ends_with": "-x"}]}, "prices": [{"input_mtok": 3}]},
            {"id": "d", "match": {"or": [{"equals": "q"}, {"regex": "^r(?!.*tts)"}]}, "prices": [{"input_mtok": 4}]},
            {"id": "e", "match": {"starts_with": "z-2025-12-11"}, "context_window": 77, "prices": []}\
            """);
    assertThat(input(prices, "BIG")).isEqualByComparingTo("1");
    assertThat(input(prices, "big-x")).isEqualByComparingTo("2");
    assertThat(input(prices, "my-big-x")).isEqualByComparingTo("3");
    assertThat(input(prices, "q")).isEqualByComparingTo("4");
    assertThat(input(prices, "r1")).isEqualByComparingTo("4");
    assertThat(input(prices, "r1-tts")).isNull();
    assertThat(prices.find("p", "z-20251211")).isEqualTo(new PriceList.Entry(77, List.of()));
    assertThat(prices.find("other", "q")).isEqualTo(PriceList.Entry.UNKNOWN);
  }

  @Test
  void listsThatAreNotNeededAreSkippedExceptThoseThatAListRefersTo() throws IOException {
    write(
        """
        {"source": "a test", "read": "2026-11-28", "providers": [
        {"id": "one", "models": [{"id": "m", "match": {"equals": "m"}, "prices": [{"input_mtok": 1}]}]},
        {"id": "two", "models": [{"id": "m", "match": {"equals": "m"}, "prices": [{"input_mtok": 2}]}]},
        {"id": "three", "pages": ["https://three.example"], "fallback_model_providers": ["one"], "models": [
          {"id": "n", "match": {"equals": "n"}, "prices": [{"input_mtok": 3}]}]}]}\
        """);
    PriceList prices = PriceList.read(home, "three"::equals);
    assertThat(prices.ids()).containsExactly("one", "three", "two");
    assertThat(prices.find("three", "n").prices().getFirst().source())
        .isEqualTo("a test of 2026-11-28, https://three.example");
    assertThat(prices.find("three", "m").prices().getFirst().rates().input())
        .isEqualByComparingTo("1");
    assertThat(prices.find("two", "m")).isEqualTo(PriceList.Entry.UNKNOWN);
  }

  @Test
  void pricesAreUnknownWithoutTheFile() {
    assertThat(PriceList.read(home, list -> true).find("groq", "m"))
        .isEqualTo(PriceList.Entry.UNKNOWN);
  }

  @Test
  void unreadableFileIsRefusedWithItsLine() throws IOException {
    write("{\"source\": \"a\",\n\"providers\": [\n{\"id\": \"one\", \"models\": [}]}");
    assertThatThrownBy(() -> PriceList.read(home, list -> true))
        .isInstanceOf(Settings.SettingException.class)
        .hasMessageStartingWith("providers/prices.json, line 3: ")
        .hasMessageEndingWith("scripts/update-prices writes the file anew");
    write("{\"providers\": [{\"id\": \"one\", \"models\": [{\"match\": {\"sounds\": \"a\"}}]}]}");
    assertThatThrownBy(() -> PriceList.read(home, list -> true))
        .hasMessageContaining("unknown condition sounds");
  }

  private PriceList list(String models) throws IOException {
    write("{\"providers\": [{\"id\": \"p\", \"models\": [" + models + "]}]}");
    return PriceList.read(home, list -> true);
  }

  private void write(String text) throws IOException {
    Files.createDirectories(home.resolve("providers"));
    Files.writeString(home.resolve(PriceList.FILE), text);
  }

  private static BigDecimal input(PriceList prices, String model) {
    Price price = Price.at(TIME, prices.find("p", model).prices());
    return price == null ? null : price.rates().input();
  }
}
