package dev.llmproxy.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Networks in CIDR form. */
class NetworksTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.0.1, true",
    "10.0.0.0/8, 11.0.0.1, false",
    "192.0.2.128/25, 192.0.2.127, false",
    "192.0.2.128/25, 192.0.2.129, true",
    "192.0.2.7, 192.0.2.7, true",
    "192.0.2.7, 192.0.2.8, false",
    "0.0.0.0/0, 203.0.113.9, true",
    "0.0.0.0/0, ::1, false",
    "fd00::/8, fd12:3456::1, true",
    "fd00::/8, fe80::1%eth0, false",
    "fe80::/10, fe80::1%eth0, true",
    "10.0.0.0/8, ::ffff:10.1.2.3, true",
    "10.0.0.0/8, localhost, false",
    "10.0.0.0/8, '', false"
  })
  void addressIsInTheNetworkByItsFirstBits(String network, String address, boolean in) {
    assertThat(Networks.of(List.of(network)).contains(address)).isEqualTo(in);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "example.com", "", "fd00::/129", "1/-1"})
  void textThatIsNoNetworkIsRefused(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> Networks.of(List.of(text)));
  }

  @ParameterizedTest
  @CsvSource({"127.0.0.1, true", "127.9.9.9, true", "::1, true", "10.0.0.1, false", "x, false"})
  void loopbackIsThisMachine(String address, boolean loopback) {
    assertThat(Networks.isLoopback(address)).isEqualTo(loopback);
  }
}
