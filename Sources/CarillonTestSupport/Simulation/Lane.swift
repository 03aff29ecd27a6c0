import CarillonCore
import CarillonEngine

/// One task of the daemon: what it does, in order, and waits for.
struct Lane {
    enum Step {
        case effect(EngineEffect)
        case act(() -> Void)
    }

    static let tick = 0
    static let save = 1
    static let deliver = 2
    static let observe = 3
    static let custody = 4
    static let orders = 5
    /// The tick's second hand.
    static let other = 6
    static let ahead = 7
    static let beat = 8
    static let look = 9
    static let count = 10

    /// The next one last.
    var steps: [Step] = []
    /// It waits for an answer.
    var isWaiting = false

    var isIdle: Bool { steps.isEmpty && !isWaiting }
}

/// What goes to the dispatcher, in order.
enum OutboxItem {
    case dispatch([Outgoing])
    case cancel(AttemptID)
    case acknowledge([AttemptID])
}
