package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.http.AnswerMemory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerPartsTest {
  private final List<String> written = new ArrayList<>();
  private final AnswerMemory.Share memory = new AnswerMemory(Long.MAX_VALUE).open();
  private final AnswerParts.Writer writer =
      new AnswerParts.Writer() {
        @Override
        public void begin(AnswerParts.Part part) {
          String call =
              part.kind() == AnswerParts.Kind.CALL ? " " + part.callId() + " " + part.name() : "";
          written.add("begin " + part.index() + " " + part.kind() + call);
        }

        @Override
        public void piece(AnswerParts.Part part, String piece) {
          written.add(piece);
        }

        @Override
        public void annotations(ArrayNode annotations) {
          written.add("annotations " + Json.text(annotations));
        }

        @Override
        public void end(AnswerParts.Part part) {
          written.add("end " + part.index());
        }
      };
  private final AnswerParts parts = new AnswerParts(writer, false, memory);

  @Test
  void reasoningTextAndCall_followOneAnother() {
    add("{'reasoning_content':'Hm','content':'','tool_calls':null}");
    add("{'content':'One'}");
    add("{'content':' two'}");
    add("{'tool_calls':[{'index':0,'id':'c1','function':{'name':'f','arguments':'{'}}]}");
    add("{'tool_calls':[{'index':0,'function':{'arguments':'}'}}]}");
    parts.end();
    assertThat(written)
        .containsExactly(
            "begin 0 REASONING",
            "Hm",
            "end 0",
            "begin 1 TEXT",
            "One",
            " two",
            "end 1",
            "begin 2 CALL c1 f",
            "{",
            "}",
            "end 2");
  }

  @Test
  void piecesOfTwoCallsInTurn_theSecondWaitsForTheFirst() {
    add("{'tool_calls':[{'index':0,'id':'a','function':{'name':'f','arguments':'{'}}]}");
    add("{'tool_calls':[{'index':1,'id':'b','function':{'name':'g','arguments':'{'}}]}");
    add("{'tool_calls':[{'index':0,'function':{'arguments':'}'}}]}");
    add("{'tool_calls':[{'index':1,'function':{'arguments':'}'}}]}");
    parts.end();
    assertThat(written)
        .containsExactly("begin 0 CALL a f", "{", "}", "end 0", "begin 1 CALL b g", "{}", "end 1");
  }

  @Test
  void callsThatWait_beginInTheOrderOfTheirIndexes() {
    add("{'tool_calls':[{'index':0,'id':'a','function':{'name':'f','arguments':'{'}}]}");
    add("{'tool_calls':[{'index':1,'id':'b','function':{'name':'g','arguments':'{}'}}]}");
    add("{'tool_calls':[{'index':2,'id':'c','function':{'name':'h','arguments':'{'}}]}");
    add("{'tool_calls':[{'index':0,'function':{'arguments':'}'}}]}");
    add("{'tool_calls':[{'index':2,'function':{'arguments':'}'}}]}");
    parts.end();
    assertThat(written)
        .containsExactly(
            "begin 0 CALL a f",
            "{",
            "}",
            "end 0",
            "begin 1 CALL b g",
            "{}",
            "end 1",
            "begin 2 CALL c h",
            "{}",
            "end 2");
  }

  @Test
  void textWhileACallIsIncomplete_comesAfterTheCall() {
    add("{'tool_calls':[{'index':0,'id':'a','function':{'name':'f','arguments':'{'}}]}");
    add("{'content':'late'}");
    add("{'tool_calls':[{'index':0,'function':{'arguments':'}'}}]}");
    parts.end();
    assertThat(written)
        .containsExactly("begin 0 CALL a f", "{", "}", "end 0", "begin 1 TEXT", "late", "end 1");
  }

  @Test
  void textsWhileACallIsIncompleteAndAfterIt_keepTheirOrder() {
    add("{'tool_calls':[{'index':0,'id':'a','function':{'name':'f','arguments':'{'}}]}");
    add("{'content':'one'}");
    add("{'tool_calls':[{'index':0,'function':{'arguments':'}'}}]}");
    add("{'content':'two'}");
    parts.end();
    assertThat(written)
        .containsExactly(
            "begin 0 CALL a f", "{", "}", "end 0", "begin 1 TEXT", "one", "two", "end 1");
  }

  @Test
  void aSecondCallWithTheIndexOfTheFirst_isAPartOfItsOwn() {
    add("{'tool_calls':[{'index':0,'id':'a','function':{'name':'f','arguments':'{}'}}]}");
    add("{'tool_calls':[{'index':0,'id':'b','function':{'name':'f','arguments':'{}'}}]}");
    parts.end();
    assertThat(written)
        .containsExactly("begin 0 CALL a f", "{}", "end 0", "begin 1 CALL b f", "{}", "end 1");
  }

  @Test
  void aCallWithoutArguments_isWrittenAtTheEnd() {
    add("{'tool_calls':[{'index':0,'id':'a','function':{'name':'f'}}]}");
    add("{'tool_calls':[{'index':1,'id':'b','function':{'name':'g'}}]}");
    parts.end();
    assertThat(written).containsExactly("begin 0 CALL a f", "end 0", "begin 1 CALL b g", "end 1");
  }

  @Test
  void anotherChoice_isLeftOut() {
    ObjectNode chunk = Json.object();
    chunk
        .putArray("choices")
        .addObject()
        .put("index", 1)
        .putObject("delta")
        .put("content", "other");
    parts.add(new ChatEvent.Delta(chunk));
    parts.end();
    assertThat(written).isEmpty();
  }

  @Test
  void wholeAnswer_hasTheSameParts() throws Exception {
    AnswerParts.whole(
        Json.parse(
            ("{'role':'assistant','content':'Hi','reasoning':'Hm','annotations':[{'type':'url_citation'}],"
                    + "'tool_calls':[{'id':'a','function':{'name':'f','arguments':'{}'}},"
                    + "{'id':'b','function':{'name':'f','arguments':''}}]}")
                .replace('\'', '"')),
        writer,
        memory);
    assertThat(written)
        .containsExactly(
            "begin 0 REASONING",
            "Hm",
            "end 0",
            "begin 1 TEXT",
            "Hi",
            "annotations [{\"type\":\"url_citation\"}]",
            "end 1",
            "begin 2 CALL a f",
            "{}",
            "end 2",
            "begin 3 CALL b f",
            "end 3");
  }

  private void add(String delta) {
    ObjectNode chunk = Json.object();
    try {
      chunk
          .putArray("choices")
          .addObject()
          .put("index", 0)
          .set("delta", Json.parse(delta.replace('\'', '"')));
    } catch (Exception e) {
      throw new IllegalArgumentException(e);
    }
    parts.add(new ChatEvent.Delta(chunk));
  }
}
