// Command proxy is the least that a gateway can be: it checks the key, replaces it, and passes bytes on as they come.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "address to listen on")
	provider := flag.String("provider", "", "address of the provider, http://…")
	key := flag.String("key", "", "the key that requests must have")
	providerKey := flag.String("provider-key", "", "the key that the provider gets")
	flag.Parse()
	target, err := url.Parse(*provider)
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Authorization", "Bearer "+*providerKey)
		},
		FlushInterval: -1,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 10000, DisableCompression: true},
		ErrorLog:      log.New(os.Stderr, "proxy: ", log.LstdFlags),
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+*key {
			http.Error(w, `{"error":{"message":"Wrong key","type":"invalid_request_error","param":null,"code":null}}`, 401)
			return
		}
		// A gateway reads the whole body too, for the model. ReverseProxy alone fails some requests: when the answer begins, Go's
		// server closes the body, which the transport may still read.
		var body bytes.Buffer
		body.Grow(int(max(0, r.ContentLength)) + bytes.MinRead)
		if _, err := body.ReadFrom(r.Body); err != nil {
			return
		}
		r.Body = io.NopCloser(&body)
		proxy.ServeHTTP(w, r)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, http.HandlerFunc(handler)))
}
