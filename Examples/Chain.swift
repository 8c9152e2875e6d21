import Runnable

/// The chain that the examples call: a prompt, a model, a parser.
enum Chain {
    /// From a question to the text of an answer.
    ///
    /// What comes out has all methods of a ``Runnable``: `invoke`, `ainvoke`, `stream`, `astream`, `batch`, `abatch`, and more.
    static func make<Model: Runnable>(_ model: Model) throws -> some Runnable<RunValue, String>
    where Model.Input == ChatPrompt, Model.Output == Message {
        let prompt = try ChatPromptTemplate(messages: [
            (role: "system", template: "Answer in one line."), (role: "human", template: "{question}"),
        ])
        let parser = StringOutputParser()
        return prompt | model | parser
    }
}

/// How many calls are made.
enum CallingWay: String, CaseIterable {
    case series = "ten calls in series"
    case concurrent = "ten concurrent calls"
    case batch = "one batch of ten"

    /// The answers to the questions, in their order.
    func answers<Chain: Runnable<RunValue, String>>(_ chain: Chain, _ questions: [RunValue]) async throws -> [String] {
        switch self {
        case .series:
            var answers: [String] = []
            for question in questions { answers.append(try await chain.ainvoke(question)) }
            return answers
        case .concurrent:
            return try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for (place, question) in questions.enumerated() {
                    group.addTask { (place, try await chain.ainvoke(question)) }
                }
                var answers = Array(repeating: "", count: questions.count)
                for try await (place, answer) in group { answers[place] = answer }
                return answers
            }
        case .batch:
            return try await chain.abatch(questions)
        }
    }
}
