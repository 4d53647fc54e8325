package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.emulator.PlayedProvider;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.ledger.UsageTotal;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Costs in the ledger and in the sheet, by the provider's report of usage. */
class CostRouteTest {
  private static final String FILE =
      """
      format: openai
      models:
        - id: priced
          abilities: [chat]
          price: {input: 3, cached: 0.3, cacheWrite: 3.75, cacheWrite1h: 6, audioInput: 10, output: 15,
                  above: {200000: {input: 6, output: 22.5}}}
        - id: odd
          price: {input: 0.08333333333333334, output: 0.041666666666666664}
        - id: free
          price: {input: 0, output: 0}
        - id: unpriced
      """;

  /** A request: model, the usage that the provider reports, the cost. */
  private record Row(String model, String usage, String cost) {}

  private static final List<Row> ROWS =
      List.of(
          new Row("priced", "'prompt_tokens':1000,'completion_tokens':10", "0.00315"),
          new Row(
              "priced",
              "'prompt_tokens':1000,'completion_tokens':10,'prompt_tokens_details':{'cached_tokens':900}",
              "0.00072"),
          // DeepSeek's name
          new Row(
              "priced",
              "'prompt_tokens':1000,'completion_tokens':10,'prompt_cache_hit_tokens':900",
              "0.00072"),
          new Row(
              "priced",
              "'prompt_tokens':1000,'completion_tokens':10,'prompt_tokens_details':{'cached_tokens':500,'cache_write_tokens':400},"
                  + "'cache_creation':{'ephemeral_1h_input_tokens':100}",
              "0.002325"),
          new Row(
              "priced",
              "'prompt_tokens':1000,'completion_tokens':10,'prompt_tokens_details':{'audio_tokens':200}",
              "0.00455"),
          // Reasoning is part of the completion.
          new Row(
              "priced",
              "'prompt_tokens':0,'completion_tokens':10,'total_tokens':10,'completion_tokens_details':{'reasoning_tokens':8}",
              null),
          // xAI counts it beside.
          new Row(
              "priced",
              "'prompt_tokens':10,'completion_tokens':10,'total_tokens':28,'completion_tokens_details':{'reasoning_tokens':8}",
              "0.0003"),
          new Row("priced", "'prompt_tokens':200000,'completion_tokens':2", "0.60003"),
          new Row("priced", "'prompt_tokens':200001,'completion_tokens':2", "1.200051"),
          new Row("odd", "'prompt_tokens':7,'completion_tokens':3", "0.000000708333"),
          new Row("odd", "'prompt_tokens':1,'completion_tokens':1", "0.000000125000"),
          new Row("odd", "'prompt_tokens':123457,'completion_tokens':891", "0.010325208333"),
          new Row("free", "'prompt_tokens':5,'completion_tokens':5", "0"),
          new Row("unpriced", "'prompt_tokens':5,'completion_tokens':5", null));

  @Test
  void costsAreExactAndTheSheetHasTheSameSum(@TempDir Path folder) throws Exception {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("providers/costly.yaml"), FILE);
    try (PlayedProvider provider = PlayedProvider.start()) {
      try (Gateway gateway =
          Gateway.startAt(
              home, folder.resolve("data"), Map.of("COSTLY_BASE_URL", provider.baseUrl()))) {
        String key = gateway.createKey("ann@example.com");
        BigDecimal sum = BigDecimal.ZERO;
        for (int i = 0; i < ROWS.size(); i++) {
          Row row = ROWS.get(i);
          provider.play(List.of(answer(row.usage())));
          assertThat(gateway.chat(key, "costly/" + row.model(), false, "hi").statusCode())
              .isEqualTo(200);
          UsageRecord record = gateway.awaitRecords(i + 1).get(i);
          if (row.cost() != null) {
            assertThat(record.cost()).as(row.usage()).isEqualByComparingTo(row.cost());
          } else if (row.model().equals("unpriced")) {
            assertThat(record.cost()).isNull();
          }
          sum = record.cost() == null ? sum : sum.add(record.cost());
        }

        assertThat(
                Ledger.totals(gateway.settings(), Instant.EPOCH).stream()
                    .map(UsageTotal::cost)
                    .reduce(BigDecimal.ZERO, BigDecimal::add))
            .isEqualByComparingTo(sum);
        BigDecimal expected = sum;
        Awaitility.await()
            .untilAsserted(() -> {
              List<Object> cells = costs(gateway.sheet("ann_at_example_dot_com"));
              assertThat(cells).hasSize(ROWS.size());
              // A cell has the digits of a double; an unknown cost is an empty cell.
              assertThat(
                      cells.stream()
                          .filter(Number.class::isInstance)
                          .map(cell ->
                              new BigDecimal(cell.toString()).setScale(12, RoundingMode.HALF_EVEN))
                          .reduce(BigDecimal.ZERO, BigDecimal::add))
                  .isEqualByComparingTo(expected);
              assertThat(cells.stream().filter(cell -> !(cell instanceof Number))).hasSize(1);
            });
      }
    }
  }

  private static List<Object> costs(List<List<Object>> sheet) {
    assertThat(sheet).isNotEmpty();
    int cost = sheet.getFirst().indexOf("Cost");
    return sheet.stream().skip(1).map(row -> cost < row.size() ? row.get(cost) : "").toList();
  }

  private static byte[] answer(String usage) {
    String body =
        """
        {"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":
        {"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{%s}}\
        """
            .formatted(usage.replace('\'', '"'));
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    String head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + length;
    return (head + "\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8);
  }
}
