"""The visitors of all three phases. They cannot tell a warehouse from a proxy for one."""


def visits(warehouse):
    for name in ("Janet", "Henry"):
        visit(warehouse, name)


def visit(warehouse, name):
    print("This is %s." % name)
    item = ask(warehouse, "Type a thing you want to store (or empty): ")
    if item:
        warehouse.store(name, item)
    item = ask(warehouse, "Type something you want to take (or empty): ")
    try:
        if item:
            warehouse.take(name, item)
    except ValueError as error:
        print("Sorry,", error)
    print("Thank you, come again!")


def ask(warehouse, question):
    print("The warehouse contains:", ", ".join(warehouse.list_contents()))
    return input(question).strip()
