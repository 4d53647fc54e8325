package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.llmproxy.base.Json;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PriceTest {
  private static final Instant TIME = Instant.parse("2026-11-28T12:00:00Z");

  /** Columns: dollars for a million tokens in and out, tokens in and out | dollars. */
  @ParameterizedTest
  @CsvSource({
    "0.59, 0.79, 0, 0, 0",
    "0.59, 0.79, 1, 0, 0.00000059",
    "0.59, 0.79, 0, 1, 0.00000079",
    "0.59, 0.79, 1000000, 1000000, 1.38",
    "0.15, 0.60, 333, 777, 0.00051615",
    "0.1, 0.2, 3, 3, 0.0000009",
    "2.50, 10.00, 123456789, 987654321, 10185.1851825",
    "0.0375, 0.15, 7, 11, 0.0000019125",
    "0, 0, 5000, 5000, 0",
    "0.59, 0.79, 9000000000000, 0, 5310000",
  })
  void costIsExact(BigDecimal input, BigDecimal output, long in, long out, String cost) {
    Rates rates = new Rates(input, null, null, null, null, output, null);
    assertThat(rates.cost(new TokenCount(in, out))).isEqualByComparingTo(cost);
  }

  /**
   * Columns: tokens in, of them cached, written, written for an hour, sounds, out, of them sounds |
   * dollars.
   */
  @ParameterizedTest
  @CsvSource({
    "1000000, 0,       0,      0,      0,      0,       0,       3",
    "1000000, 1000000, 0,      0,      0,      0,       0,       0.3",
    "1000000, 0,       1000000, 0,     0,      0,       0,       3.75",
    "1000000, 0,       1000000, 1000000, 0,    0,       0,       6",
    "1000000, 0,       0,      0,      1000000, 0,      0,       10",
    "0,       0,       0,      0,      0,      1000000, 0,       15",
    "0,       0,       0,      0,      0,      1000000, 1000000, 20",
    "1000000, 400000,  200000, 100000, 50000,  10,      3,       2.645165",
  })
  void partsCostTheirOwnPrices(
      long in,
      long cached,
      long write,
      long write1h,
      long audioIn,
      long out,
      long audioOut,
      String cost) {
    Rates rates = rates("3", "0.3", "3.75", "6", "10", "15", "20");
    TokenCount tokens = new TokenCount(in, cached, write, write1h, audioIn, out, audioOut);
    assertThat(rates.cost(tokens)).isEqualByComparingTo(cost);
  }

  @Test
  void partWithoutAPriceCostsAsMuchAsTheWhole() {
    TokenCount tokens = new TokenCount(100, 10, 20, 5, 30, 40, 7);
    assertThat(rates("3", null, null, null, null, "15", null).cost(tokens))
        .isEqualByComparingTo(
            rates("3", null, null, null, null, "15", null).cost(new TokenCount(100, 40)));
    assertThat(rates("3", null, "4", null, null, "15", null).cost(tokens))
        .isEqualByComparingTo(rates("3", "3", "4", "4", "3", "15", "15").cost(tokens));
  }

  @Test
  void costOfTokensWithoutAKnownPriceIsUnknown() {
    assertThat(rates("3", null, null, null, null, null, null).cost(new TokenCount(5, 1))).isNull();
    assertThat(rates("3", null, null, null, null, null, null).cost(new TokenCount(5, 0)))
        .isEqualByComparingTo("0.000015");
    assertThat(rates(null, null, null, null, null, "1", null).cost(new TokenCount(1, 1))).isNull();
  }

  /** Columns: prompt tokens | dollars for the prompt. */
  @ParameterizedTest
  @CsvSource({
    "200000, 0.2",
    "200001, 0.400002",
    "500000, 1",
    "500001, 1.5000030",
  })
  void longPromptCostsTheTiersPriceForAllItsTokens(long in, String cost) {
    Price price =
        new Price(
            null,
            null,
            null,
            input("1"),
            List.of(new Price.Tier(500_000, input("3")), new Price.Tier(200_000, input("2"))),
            null);
    assertThat(price.cost(new TokenCount(in, 0))).isEqualByComparingTo(cost);
  }

  /** Columns: time | the input price. */
  @ParameterizedTest
  @CsvSource({
    "2025-12-31T21:59:59Z, 1",
    "2026-01-01T00:30:00Z, 2",
    "2026-06-01T00:59:59Z, 2",
    "2026-06-01T01:00:00Z, 5",
    "2026-06-01T03:59:59Z, 5",
    "2026-06-01T04:00:00Z, 2",
    "2026-06-01T22:00:00Z, 6",
    "2026-06-01T00:10:00Z, 6",
    "2026-06-01T00:30:00Z, 2",
    "2027-01-01T00:00:00Z, 4",
  })
  void lastPriceThatIsValidCounts(Instant time, String input) {
    List<Price> prices =
        List.of(
            from(null, "1"),
            from(LocalDate.of(2026, 1, 1), "2"),
            daily(LocalTime.of(1, 0), LocalTime.of(4, 0), "5"),
            daily(LocalTime.of(22, 0), LocalTime.of(0, 30), "6"),
            from(LocalDate.of(2027, 1, 1), "4"));
    assertThat(Price.at(time, prices).rates().input()).isEqualByComparingTo(input);
  }

  @Test
  void priceThatIsNotYetValidIsUnknown() {
    assertThat(Price.at(TIME, List.of(from(LocalDate.of(2027, 1, 1), "4")))).isNull();
    assertThat(Price.at(TIME, List.of())).isNull();
  }

  @Test
  void turnsAreInDifferentTiers() {
    Price price =
        new Price(
            null, null, null, input("1"), List.of(new Price.Tier(200_000, input("2"))), "a page");
    Target target = target(List.of(price));
    // The turns together are above the limit; each alone is not.
    List<TokenCount> turns = List.of(new TokenCount(150_000, 0), new TokenCount(160_000, 0));
    assertThat(target.cost(turns, TIME)).isEqualByComparingTo("0.31");
    assertThat(target(List.of()).cost(turns, TIME)).isNull();
  }

  @Test
  void usageIsCountedAsOpenAiDoes() throws JsonProcessingException {
    assertThat(
            usage(
                """
                {"prompt_tokens": 100, "completion_tokens": 50,
                 "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30, "audio_tokens": 5},
                 "cache_creation": {"ephemeral_1h_input_tokens": 10},
                 "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 4}}\
                """))
        .isEqualTo(new TokenCount(100, 60, 30, 10, 5, 50, 4));
    assertThat(usage("{\"prompt_tokens\": 9, \"prompt_cache_hit_tokens\": 4}"))
        .isEqualTo(new TokenCount(9, 4, 0, 0, 0, 0, 0));
    assertThat(usage("{\"prompt_tokens\": 9, \"cached_tokens\": 4}").cached()).isEqualTo(4);
    assertThat(usage("{}")).isEqualTo(new TokenCount(0, 0));
  }

  @Test
  void partsAreNeverMoreThanTheWhole() {
    TokenCount tokens = new TokenCount(10, 8, 8, 8, 8, 3, 8);
    assertThat(tokens).isEqualTo(new TokenCount(10, 8, 2, 2, 0, 3, 3));
    assertThat(new TokenCount(10, -5, -5, -5, -5, 3, -5)).isEqualTo(new TokenCount(10, 3));
  }

  private static TokenCount usage(String json) throws JsonProcessingException {
    return TokenCount.of(Json.parse(json));
  }

  private static Target target(List<Price> prices) {
    Provider provider = new Provider("p", "P", "openai", "http://h", null, null, List.of());
    return new Target("p/m", provider, "m", new Model("m", "M", null, 0, 0, null, prices));
  }

  private static Price from(LocalDate from, String input) {
    return new Price(from, null, null, input(input), List.of(), null);
  }

  private static Price daily(LocalTime from, LocalTime to, String input) {
    return new Price(null, from, to, input(input), List.of(), null);
  }

  private static Rates input(String input) {
    return rates(input, null, null, null, null, "0", null);
  }

  private static Rates rates(
      String input,
      String cached,
      String write,
      String write1h,
      String audioIn,
      String output,
      String audioOut) {
    return new Rates(
        decimal(input),
        decimal(cached),
        decimal(write),
        decimal(write1h),
        decimal(audioIn),
        decimal(output),
        decimal(audioOut));
  }

  private static BigDecimal decimal(String text) {
    return text == null ? null : new BigDecimal(text);
  }
}
