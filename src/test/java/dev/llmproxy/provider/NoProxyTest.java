package dev.llmproxy.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.Settings;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The cases of the tests of Go's package httpproxy. */
class NoProxyTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "*                      | http://anything.example",
        "10.0.0.0/8             | http://10.200.3.4",
        "10.0.0.0/8             | https://10.0.0.1:8443",
        "10.9.9.9/8             | http://10.1.1.1",
        "0.0.0.0/0              | http://192.0.2.1",
        "192.0.2.7/32           | http://192.0.2.7",
        "2001:db8::/32          | http://[2001:db8:1::9]",
        "192.0.2.7              | http://192.0.2.7:9000",
        "192.0.2.7:9000         | http://192.0.2.7:9000",
        "2001:db8::1            | http://[2001:0db8:0::1]",
        "[2001:db8::1]:8080     | http://[2001:db8::1]:8080",
        "example.com            | http://example.com",
        "example.com            | http://a.b.example.com:81",
        "Example.COM            | http://EXAMPLE.com.",
        ".example.com           | http://a.example.com",
        "*.example.com          | http://a.example.com",
        "example.com:443        | https://a.example.com",
        "other.org , example.com| http://example.com",
        "other.org example.com  | http://example.com",
        "/var/run/docker.sock,example.com | http://example.com",
        "''                     | http://localhost:8080",
        "''                     | http://127.8.8.8",
        "''                     | http://[::1]:8080"
      })
  void exemptServerIsCalledDirectly(String noProxy, URI server) {
    assertThat(proxies(noProxy).select(server)).containsExactly(Proxy.NO_PROXY);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "10.0.0.0/8             | http://11.0.0.1",
        "192.0.2.128/25         | http://192.0.2.127",
        "10.0.0.0/8             | http://10.0.0.1.example.com",
        "0.0.0.0/0              | http://[2001:db8::1]",
        "2001:db8::/32          | http://[2001:db9::1]",
        "192.0.2.7              | http://192.0.2.70",
        "192.0.2.7:9000         | http://192.0.2.7",
        "2.0.2.7                | http://192.0.2.7",
        "example.com            | http://notexample.com",
        "example.com            | http://example.com.evil.org",
        ".example.com           | http://example.com",
        "*.example.com          | http://example.com",
        "example.com:443        | http://example.com",
        "''                     | http://localhost.example.com"
      })
  void otherServerIsCalledThroughTheProxy(String noProxy, URI server) {
    assertThat(proxies(noProxy).select(server).getFirst().type()).isEqualTo(Proxy.Type.HTTP);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0/x", "a.example/8", ":80", "a.example:port"})
  void invalidEntryIsNamed(String entry) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> proxies("good.example, " + entry))
        .withMessageStartingWith("no_proxy names `" + entry + "`, which is no host");
  }

  private static ForwardProxy proxies(String noProxy) {
    return new ForwardProxy(
        Settings.load(
            Path.of(""),
            Map.of(
                "http_proxy", "http://proxy.example:3128",
                "https_proxy", "http://proxy.example:3128",
                "no_proxy", noProxy)));
  }
}
