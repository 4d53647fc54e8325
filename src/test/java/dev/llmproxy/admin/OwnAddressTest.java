package dev.llmproxy.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.AdminSettings;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OwnAddressTest {
  @ParameterizedTest
  @CsvSource({
    "0.0.0.0,   , 192.0.2.7:3000,      true",
    "0.0.0.0,   , [2001:db8::7]:3000,  true",
    "0.0.0.0,   , localhost,           true",
    "0.0.0.0,   , llm.example.com,     false",
    "0.0.0.0,   , 192.0.2.7.example,   false",
    "127.0.0.1, , 192.0.2.7:3000,      false",
    "127.0.0.1, , [::1]:3000,          true",
    "0.0.0.0, https://llm.example.com,      llm.example.com,      true",
    "0.0.0.0, https://llm.example.com/,     LLM.example.com:443,  true",
    "0.0.0.0, https://llm.example.com,      llm.example.com:8443, false",
    "0.0.0.0, https://llm.example.com:8443, llm.example.com:8443, true",
    "0.0.0.0, https://llm.example.com,      192.0.2.7,            false",
    "0.0.0.0, https://llm.example.com,      xllm.example.com,     false",
    "0.0.0.0, http://llm.internal:3000,     llm.internal:3000,    true"
  })
  void onlyNamesThatCannotBeReboundAreOwn(String listens, String url, String host, boolean own) {
    assertThat(address(listens, url).isOwn(host)).isEqualTo(own);
  }

  @Test
  void requestWithoutAHostIsNotOwn() {
    assertThat(address("0.0.0.0", null).isOwn(null)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "https://llm.example.com, llm.example.com, true",
    "https://LLM.example.com:443, llm.example.com, true",
    "http://llm.example.com,  llm.example.com, false",
    "http://localhost:3000,   localhost:3000,  true",
    "https://localhost:3000,  localhost:3000,  false",
    "null,                    llm.example.com, false"
  })
  void originIsThatOfThePublicAddress(String origin, String host, boolean own) {
    assertThat(address("0.0.0.0", "https://llm.example.com").isOwn(origin, host)).isEqualTo(own);
  }

  @Test
  void cookiesAreLimitedToHttpsAtTheHttpsAddressAlone() {
    OwnAddress address = address("0.0.0.0", "https://llm.example.com");

    assertThat(address.isSecure("llm.example.com")).isTrue();
    assertThat(address.isSecure("localhost:3000")).isFalse();
    assertThat(address.url(3000)).isEqualTo("https://llm.example.com");
    assertThat(address("0.0.0.0", null).url(3000)).isEqualTo("http://localhost:3000");
  }

  private static OwnAddress address(String listens, String url) {
    Settings settings =
        Settings.load(
            Path.of(""),
            url == null
                ? Map.of("HOST", listens)
                : Map.of("HOST", listens, "LLMPROXY_PUBLIC_URL", url));
    return new OwnAddress(AdminSettings.of(settings), HttpSettings.of(settings));
  }
}
