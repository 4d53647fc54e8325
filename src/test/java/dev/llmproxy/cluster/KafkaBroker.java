package dev.llmproxy.cluster;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A real Kafka broker on loopback, in KRaft mode, as a process of its own. */
final class KafkaBroker implements AutoCloseable {
  private static final Path LIBRARIES = Path.of("target", "kafka");

  private final Process process;
  private final int port;

  private KafkaBroker(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * Starts a broker without data.
   *
   * @param folder is created, for its data and log
   */
  static KafkaBroker start(Path folder) throws IOException, InterruptedException {
    if (!Files.isDirectory(LIBRARIES)) {
      throw new IllegalStateException(LIBRARIES + " is missing: run make test-cluster");
    }
    Files.createDirectories(folder);
    int port = freePort();
    int controller = freePort();
    Path settings = folder.resolve("server.properties");
    Files.writeString(
        settings,
        """
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@127.0.0.1:%2$d
        listeners=PLAINTEXT://127.0.0.1:%1$d,CONTROLLER://127.0.0.1:%2$d
        advertised.listeners=PLAINTEXT://127.0.0.1:%1$d
        controller.listener.names=CONTROLLER
        log.dirs=%3$s
        offsets.topic.replication.factor=1
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        num.partitions=1
        """
            .formatted(port, controller, folder.resolve("data").toAbsolutePath()));
    Process formatting =
        run(
            folder,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            base64(UUID.randomUUID()),
            "-c",
            settings.toString());
    if (formatting.waitFor() != 0) {
      throw new IllegalStateException("The broker's folder cannot be made; see " + folder);
    }
    return new KafkaBroker(run(folder, "kafka.Kafka", settings.toString()), port);
  }

  String address() {
    return "127.0.0.1:" + port;
  }

  /** All messages of a topic with one partition, in order. */
  List<ConsumerRecord<String, String>> messages(String topic) {
    Properties settings = new Properties();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, address());
    settings.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class.getName());
    settings.put(
        ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class.getName());
    List<ConsumerRecord<String, String>> messages = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
      TopicPartition partition = new TopicPartition(topic, 0);
      List<TopicPartition> all = List.of(partition);
      consumer.assign(all);
      consumer.seekToBeginning(all);
      long end = consumer.endOffsets(all).get(partition);
      while (consumer.position(partition) < end) {
        consumer.poll(Duration.ofSeconds(1)).forEach(messages::add);
      }
    }
    return messages;
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  private static String base64(UUID id) {
    return java.util.Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(
            java.nio.ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array());
  }

  private static Process run(Path folder, String... mainAndArguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("-Xmx300m", "-XX:+UseSerialGC", "-cp", LIBRARIES.toAbsolutePath() + "/*"));
    command.addAll(List.of(mainAndArguments));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log.txt").toFile()))
        .start();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
