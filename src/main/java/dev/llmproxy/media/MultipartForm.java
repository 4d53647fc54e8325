package dev.llmproxy.media;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.commons.fileupload2.core.FileUploadSizeException;
import org.apache.commons.fileupload2.core.MultipartInput;
import org.apache.commons.fileupload2.core.ParameterParser;

/**
 * A form with files ({@code multipart/form-data}, RFC 7578) that is passed on while it arrives. It
 * is read up to the first file after the model. Files before the model wait in temporary files,
 * because nobody knows yet where they go. One thread uses it.
 */
public final class MultipartForm implements AutoCloseable {
  private static final String MODEL = "model";
  private static final int MOST_PARTS = 1000;
  private static final int MOST_TEXT_BYTES = 1 << 20;
  private static final int BUFFER = 16 << 10;
  private static final Pattern CONTROLS = Pattern.compile("[\\p{Cntrl}]");
  private static final Pattern BOUNDARY = Pattern.compile("[ -~]{1,70}");

  private final MultipartInput input;
  private final ObjectNode texts = Json.object();
  private final List<Spooled> spooled = new ArrayList<>();
  private boolean begun;
  private boolean over;
  private int parts;
  private int textBytes;

  /** The file whose content comes next; null when the form is over. */
  private Part next;

  /**
   * The head of a part.
   *
   * @param file the file's name, which may be empty; null for a text
   * @param type the Content-Type; null for none
   */
  private record Part(String name, String file, String type) {}

  private record Spooled(Part part, Path content) {}

  private MultipartForm(MultipartInput input) {
    this.input = input;
  }

  /**
   * Reads the beginning of a form.
   *
   * @param in the body while it arrives; not closed
   * @param contentType the Content-Type, with the boundary
   * @throws ApiException 400 for what is no form
   */
  public static MultipartForm read(InputStream in, String contentType) throws IOException {
    String boundary = parameters(contentType).get("boundary");
    if (boundary == null || !BOUNDARY.matcher(boundary).matches()) {
      throw OpenAiErrors.badForm("its Content-Type has no valid boundary.").asException();
    }
    MultipartInput input =
        MultipartInput.builder()
            .setInputStream(in)
            .setBufferSize(BUFFER)
            .setBoundary(boundary.getBytes(StandardCharsets.ISO_8859_1))
            .get();
    input.setHeaderCharset(StandardCharsets.UTF_8);
    MultipartForm form = new MultipartForm(input);
    try {
      form.readBeginning();
    } catch (IOException | RuntimeException e) {
      form.close();
      throw e;
    }
    return form;
  }

  /** The texts that have been read; a name with several texts has an array. Do not change it. */
  public ObjectNode texts() {
    return texts;
  }

  /** Whether the whole form has been read, so that it can be written more than once. */
  public boolean isWhole() {
    return next == null;
  }

  /**
   * Writes the form, with the rest of it as it arrives.
   *
   * @param fields the texts in place of those that have been read
   * @param boundary the boundary of the written form
   * @throws IOException when writing fails
   * @throws ApiException 400 when the rest is no form, or names the model again
   */
  public void writeTo(OutputStream out, ObjectNode fields, String boundary) throws IOException {
    for (Map.Entry<String, JsonNode> field : fields.properties()) {
      for (JsonNode each :
          field.getValue().isArray() ? field.getValue() : List.of(field.getValue())) {
        begin(out, boundary, new Part(field.getKey(), null, null));
        out.write(each.asText().getBytes(StandardCharsets.UTF_8));
        write(out, "\r\n");
      }
    }
    for (Spooled file : spooled) {
      begin(out, boundary, file.part);
      Files.copy(file.content, out);
      write(out, "\r\n");
    }
    while (next != null) {
      begin(out, boundary, next);
      copy(out);
      write(out, "\r\n");
      next = nextPart();
      if (next != null && next.name.equals(MODEL)) {
        throw OpenAiErrors.invalidValue(MODEL, "the form has it twice.").asException();
      }
    }
    write(out, "--" + boundary + "--\r\n");
  }

  /** Deletes the temporary files. */
  @Override
  public void close() {
    for (Spooled file : spooled) {
      try {
        Files.deleteIfExists(file.content);
      } catch (IOException e) {
        // The system empties its folder for temporary files.
      }
    }
    spooled.clear();
  }

  private void readBeginning() throws IOException {
    for (Part part = nextPart(); part != null; part = nextPart()) {
      if (part.file == null) {
        addText(part.name);
      } else if (texts.has(MODEL)) {
        next = part;
        return;
      } else {
        Path content = Files.createTempFile("llmproxy-upload-", ".tmp");
        spooled.add(new Spooled(part, content));
        try (OutputStream file = Files.newOutputStream(content)) {
          copy(file);
        }
      }
    }
  }

  private void addText(String name) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    copy(
        new OutputStream() {
          @Override
          public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] from, int offset, int length) {
            textBytes += length;
            if (textBytes > MOST_TEXT_BYTES) {
              throw OpenAiErrors.badForm("its texts are larger than 1 MB.").asException();
            }
            bytes.write(from, offset, length);
          }
        });
    String text = bytes.toString(StandardCharsets.UTF_8);
    JsonNode known = texts.get(name);
    if (known == null) {
      texts.put(name, text);
    } else if (name.equals(MODEL)) {
      throw OpenAiErrors.invalidValue(MODEL, "the form has it twice.").asException();
    } else if (known instanceof ArrayNode list) {
      list.add(text);
    } else {
      texts.putArray(name).add(known).add(text);
    }
  }

  /** Moves to the next part; null at the end of the form. */
  private Part nextPart() throws IOException {
    try {
      boolean more = !over && (begun ? input.readBoundary() : input.skipPreamble());
      begun = true;
      over = !more;
      if (over) {
        return null;
      }
      if (++parts > MOST_PARTS) {
        throw OpenAiErrors.badForm("it has more than %d parts.".formatted(MOST_PARTS))
            .asException();
      }
      return part(input.readHeaders());
    } catch (MultipartInput.MalformedStreamException e) {
      throw OpenAiErrors.badForm("it ends too early.").asException();
    } catch (FileUploadSizeException e) {
      throw OpenAiErrors.badForm("the headers of a part are too long.").asException();
    }
  }

  private static Part part(String headers) {
    Map<String, String> named = new HashMap<>();
    for (String line : headers.split("\r\n", -1)) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        named.put(
            line.substring(0, colon).strip().toLowerCase(Locale.ROOT),
            line.substring(colon + 1).strip());
      }
    }
    Map<String, String> disposition = parameters(named.getOrDefault("content-disposition", ""));
    String name = disposition.get("name");
    if (name == null || !disposition.containsKey("form-data")) {
      throw OpenAiErrors.badForm("a part has no name.").asException();
    }
    boolean isFile = disposition.containsKey("filename");
    String file = disposition.get("filename");
    return new Part(name, isFile ? (file == null ? "" : file) : null, named.get("content-type"));
  }

  private static Map<String, String> parameters(String header) {
    ParameterParser parser = new ParameterParser();
    parser.setLowerCaseNames(true);
    return parser.parse(header == null ? "" : header, ';');
  }

  /** Copies the content of the present part. */
  private void copy(OutputStream out) throws IOException {
    byte[] buffer = new byte[BUFFER];
    try (InputStream content = input.newInputStream()) {
      for (int read = read(content, buffer); read >= 0; read = read(content, buffer)) {
        out.write(buffer, 0, read);
      }
    }
  }

  private static int read(InputStream content, byte[] buffer) throws IOException {
    try {
      return content.read(buffer);
    } catch (MultipartInput.MalformedStreamException e) {
      throw OpenAiErrors.badForm("it ends too early.").asException();
    }
  }

  private static void begin(OutputStream out, String boundary, Part part) throws IOException {
    StringBuilder head = new StringBuilder("--").append(boundary).append("\r\n");
    head.append("Content-Disposition: form-data; name=\"").append(escaped(part.name)).append('"');
    if (part.file != null) {
      head.append("; filename=\"").append(escaped(part.file)).append('"');
    }
    if (part.type != null) {
      head.append("\r\nContent-Type: ").append(CONTROLS.matcher(part.type).replaceAll(" "));
    }
    write(out, head.append("\r\n\r\n").toString());
  }

  /** A name as browsers write it: see the encoding algorithm in the HTML standard. */
  private static String escaped(String name) {
    return name.replace("\r", "%0D").replace("\n", "%0A").replace("\"", "%22");
  }

  private static void write(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
  }
}
