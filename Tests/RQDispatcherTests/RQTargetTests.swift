import CarillonCore
import RQDispatcher
import Testing

/// What no worker can be asked to call.
@Suite struct RQTargetTests {
    private static func nested(_ depth: Int) -> PlainValue {
        (1..<depth).reduce(.list([])) { inner, level in level % 2 == 0 ? .list([inner]) : .map([.init("k", inner)]) }
    }

    @Test func whatNestsAsDeepAsItMayIsGood() throws {
        let call = RQTarget(function: "a.b", arguments: [Self.nested(PlainValue.deepest - 1)])
        #expect(try Target(call).open(as: RQTarget.self) == call)
    }

    @Test(
        arguments: [
            { RQTarget(function: "a.b", arguments: [nested(PlainValue.deepest + 1)]) },
            { RQTarget(function: "a.b", arguments: [nested(5_000)]) }, { RQTarget(function: "") },
            { RQTarget(function: "a.b", queue: "") }, { RQTarget(function: "a.b", timeout: -2) },
        ] as [@Sendable () -> RQTarget])
    func eachFaultIsSaid(_ call: @Sendable () -> RQTarget) {
        // Neither is described: a description of all these levels would take more stack than a test has.
        let hasFault = call().fault != nil
        #expect(hasFault)
        #expect(throws: TargetFault.self) { try Target(call()).kind }
    }
}
