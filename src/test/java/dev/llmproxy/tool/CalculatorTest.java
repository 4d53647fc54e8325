package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CalculatorTest {
  private final Calculator calculator = new Calculator();

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          0.1 + 0.2                       ; 0.3
          1.10 * 3                        ; 3.3
          19.99 * 1.19 - 0.0001           ; 23.788
          123456789012345678901234567890 * 10 + 1 ; 1234567890123456789012345678901
          2 ^ 100                         ; 1267650600228229401496703205376
          ROUND(2.345, 2)                 ; 2.35
          FACT(20)                        ; 2432902008176640000
          SQRT(2) ^ 2 > 1.99              ; true
          MAX(1, 2, 3) % 2                ; 1
          -(2 + 3) * 4                    ; -20
          COS(0) + LOG10(100)             ; 3
          """)
  void evaluatesExactly(String expression, String value) {
    assertThat(evaluate(expression)).isEqualTo(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1 +",
        "1 / 0",
        "x * 2",
        "2 ^ (10 ^ 9)",
        "(10 ^ 9999) ^ 9999",
        "1E999999999 + 1",
        "FACT(100000000)",
        "FACT(-1)",
        "ROUND(1, 2000000000)",
        "STR_FORMAT(\"%1000000000d\", 1)",
        "java.lang.System.exit(1)",
      })
  void invalidExpressionsFailWithTheReason(String expression) {
    assertThatThrownBy(() -> evaluate(expression)).isInstanceOf(ToolException.class);
  }

  @Test
  void hugeValuesAreShownWithAnExponent() {
    assertThat(evaluate("10 ^ 9999")).hasSizeLessThan(20);
  }

  private String evaluate(String expression) {
    return calculator.evaluate(Map.of("expression", expression));
  }
}
