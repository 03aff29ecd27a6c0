/// Why a channel cannot listen where it is to, in a sentence for whoever started the daemon.
public protocol ChannelUnusable: Error, CustomStringConvertible {}
