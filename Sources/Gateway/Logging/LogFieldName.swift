/// A field's name, ready to be written: with what stands before and behind it.
struct LogFieldName {
    let json: StaticString
    let plain: StaticString
    let journal: StaticString

    static var id: LogFieldName { LogFieldName(json: ",\"id\":", plain: " id=", journal: "HEADGATE_ID=") }
    static var route: LogFieldName { LogFieldName(json: ",\"route\":", plain: " route=", journal: "HEADGATE_ROUTE=") }
    static var method: LogFieldName {
        LogFieldName(json: ",\"method\":", plain: " method=", journal: "HEADGATE_METHOD=")
    }
    static var endpoint: LogFieldName {
        LogFieldName(json: ",\"endpoint\":", plain: " endpoint=", journal: "HEADGATE_ENDPOINT=")
    }
    static var status: LogFieldName {
        LogFieldName(json: ",\"status\":", plain: " status=", journal: "HEADGATE_STATUS=")
    }
    static var outcome: LogFieldName {
        LogFieldName(json: ",\"outcome\":", plain: " outcome=", journal: "HEADGATE_OUTCOME=")
    }
    static var bytes: LogFieldName { LogFieldName(json: ",\"bytes\":", plain: " bytes=", journal: "HEADGATE_BYTES=") }
    static var tokensIn: LogFieldName {
        LogFieldName(json: ",\"tokens_in\":", plain: " tokens_in=", journal: "HEADGATE_TOKENS_IN=")
    }
    static var tokensOut: LogFieldName {
        LogFieldName(json: ",\"tokens_out\":", plain: " tokens_out=", journal: "HEADGATE_TOKENS_OUT=")
    }
    static var firstToken: LogFieldName {
        LogFieldName(json: ",\"first_token_ms\":", plain: " first_token_ms=", journal: "HEADGATE_FIRST_TOKEN_MS=")
    }
    static var total: LogFieldName {
        LogFieldName(json: ",\"total_ms\":", plain: " total_ms=", journal: "HEADGATE_TOTAL_MS=")
    }
    static var upstream: LogFieldName {
        LogFieldName(json: ",\"upstream\":", plain: " upstream=", journal: "HEADGATE_UPSTREAM=")
    }
    static var items: LogFieldName { LogFieldName(json: ",\"items\":", plain: " items=", journal: "HEADGATE_ITEMS=") }
    static var error: LogFieldName { LogFieldName(json: ",\"error\":", plain: " error=", journal: "HEADGATE_ERROR=") }
    static var trace: LogFieldName { LogFieldName(json: ",\"trace\":", plain: " trace=", journal: "HEADGATE_TRACE=") }
    static var client: LogFieldName {
        LogFieldName(json: ",\"client\":", plain: " client=", journal: "HEADGATE_CLIENT=")
    }
    static var detail: LogFieldName {
        LogFieldName(json: ",\"detail\":", plain: " detail=", journal: "HEADGATE_DETAIL=")
    }
    static var count: LogFieldName { LogFieldName(json: ",\"count\":", plain: " count=", journal: "HEADGATE_COUNT=") }
}
