package sdktests

import (
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

func respond(input string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model,
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(input)},
	}
}

// The response of a stream, and the text of its deltas.
func streamedResponse(params responses.ResponseNewParams) (response responses.Response, text string, err error) {
	stream := client.Responses.NewStreaming(ctx, params)
	defer stream.Close()
	for stream.Next() {
		event := stream.Current()
		if event.Type == "response.output_text.delta" {
			text += event.Delta
		}
		response = event.Response
	}
	return response, text, stream.Err()
}

func TestResponsesWholeAndStreamed(t *testing.T) {
	whole, err := client.Responses.New(ctx, respond("hello there"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "whole", whole.OutputText(), "You said: hello there")
	equal(t, "tokens", whole.Usage.TotalTokens, 6)
	streamed, text, err := streamedResponse(respond("hello there"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "deltas", text, "You said: hello there")
	equal(t, "streamed", streamed.OutputText(), text)
}

func TestResponsesToolRoundWithAPreviousResponse(t *testing.T) {
	tool := responses.ToolParamOfFunction("get_weather", object, false)
	params := respond("What is the weather? [[script tools=2]]")
	params.Tools = []responses.ToolUnionParam{tool}
	first, _, err := streamedResponse(params)
	if err != nil {
		t.Fatal(err)
	}
	var results responses.ResponseInputParam
	for _, item := range first.Output {
		equal(t, "item", item.Type, "function_call")
		result := responses.ResponseInputItemParamOfFunctionCallOutput("sunny")
		result.OfFunctionCallOutput.CallID = openai.String(item.CallID)
		results = append(results, result)
	}
	equal(t, "calls", len(results), 2)
	next := responses.ResponseNewParams{
		Model:              model,
		PreviousResponseID: openai.String(first.ID),
		Input:              responses.ResponseNewParamsInputUnion{OfInputItemList: results},
		Tools:              params.Tools,
	}
	second, _, err := streamedResponse(next)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "answer", second.OutputText(), "The tool said: sunny")
}

func TestResponsesFailureInTheMiddle(t *testing.T) {
	_, _, err := streamedResponse(respond("[[script chunks=5 cut=2]]"))
	if err == nil || !strings.Contains(err.Error(), "provider") {
		t.Fatalf("got %v", err)
	}
}

func TestResponsesFailureBeforeTheStream(t *testing.T) {
	_, _, err := streamedResponse(respond("[[script status=400 code=bad_thing]]"))
	var failure *openai.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v", err)
	}
	equal(t, "status", failure.StatusCode, 400)
}
