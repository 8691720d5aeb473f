"""The pure model of the client: events go in, state and lines to send come out."""

from roost.client.model.conversation import Conversation, ConversationKind, History
from roost.client.model.entry import Delivery, Entry, EntryKind
from roost.client.model.hits import HistorySearch, Hit, Query, QueryError, SearchState
from roost.client.model.listing import ListedRoom, ListingState, RoomListing
from roost.client.model.model import SERVER_KEY, Model
from roost.client.model.people import Member, Members, Person
from roost.client.model.profile import Profile
from roost.client.model.state import Enquiry
from roost.client.model.status import Connection, Moment, Phase, Problem, ProblemKind

__all__ = [
    "SERVER_KEY",
    "Connection",
    "Conversation",
    "ConversationKind",
    "Delivery",
    "Enquiry",
    "Entry",
    "EntryKind",
    "History",
    "HistorySearch",
    "Hit",
    "ListedRoom",
    "ListingState",
    "Member",
    "Members",
    "Model",
    "Moment",
    "Person",
    "Phase",
    "Problem",
    "ProblemKind",
    "Profile",
    "Query",
    "QueryError",
    "RoomListing",
    "SearchState",
]
