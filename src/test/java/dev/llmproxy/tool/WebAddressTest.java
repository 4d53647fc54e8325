package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WebAddressTest {
  private static final Set<Integer> PORTS = Set.of(80, 443);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "jar:http://example.com!/",
        "http://example.com:22/",
        "http://example.com:443443/",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://@example.com/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.1/",
        "http://127.0.1/",
        "http://1.2.3.4.5/",
        "http://127.0.0.1./",
        "http://256.1.1.1/",
        "http://[fe80::1%25eth0]/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http:///path",
        "http:example.com",
        "http://example.com\\@127.0.0.1/",
        "http://exa\tmple.com/",
        "//example.com/",
      })
  void otherAddressesAreRefused(String text) {
    assertThatThrownBy(() -> WebAddress.checked(text, PORTS)).isInstanceOf(ToolException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "http://example.com,http://example.com",
    "HTTPS://Example.com:443/a?b=c#d,HTTPS://Example.com:443/a?b=c",
    "https://de.wikipedia.org/wiki/Öl,https://de.wikipedia.org/wiki/%C3%96l",
    "https://example.com/a b,https://example.com/a%20b",
    "http://8.8.8.8/,http://8.8.8.8/",
    "http://[2606:4700::1]/,http://[2606:4700::1]/",
  })
  void plainWebAddressesAreAccepted(String text, String asked) {
    assertThat(WebAddress.checked(text, PORTS).toString()).isEqualTo(asked);
  }
}
